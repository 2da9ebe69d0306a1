//! The four checks of the learner's alert.

use std::sync::Arc;

use crate::check::stack::alert::behaviour::Scene;
use crate::check::stack::alert::chosen::Alert;
use crate::check::stack::alert::rule::LoadedAlerts;
use crate::check::stack::alert::unit_tests::rehearse;
use crate::check::stack::alert::{behaviour, rule};
use crate::check::stack::judge::{Judge, now};
use crate::check::stack::prometheus::promtool::Promtool;
use crate::check::verdict::{Finding, Judgement};

impl Judge {
    /// The alert that is judged: valid, and loaded.
    fn alert(&mut self) -> Judgement<Alert> {
        if let Some(alert) = &self.alert {
            return Ok(alert.clone());
        }
        let root = &self.options.root;
        let promtool = self.promtool.get_or_insert_with(|| Promtool::find(root)).as_ref();
        let page = self.prometheus.page("/query");
        rule::valid(root, self.options.solution, promtool, &page)?;
        let LoadedAlerts { mut rules, all } = self.runtime.block_on(rule::loaded(
            &self.prometheus,
            &self.options,
            self.own.is_some(),
        ))?;
        for rule in &rules {
            self.runtime.block_on(rule::gives_numbers(&self.prometheus, &self.options, rule))?;
        }
        let names: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
        let rehearsal = promtool.map(|promtool| rehearse(promtool, &self.options, &names));
        let rehearsal = match rehearsal.transpose() {
            Ok(rehearsal) => rehearsal.map(Arc::new),
            Err(error) => {
                let found = format!("{error:#}");
                return Finding::new("a rehearsal with promtool", found).could_not_tell();
            }
        };
        if let Some(rehearsal) = &rehearsal {
            for rule in &rules {
                rule::can_be_evaluated(rule, rehearsal.error(&rule.name), &page)?;
            }
        }
        let mut index = 0;
        if rules.len() > 1 || all.is_err() {
            let (prometheus, rehearsal, now) = (&self.prometheus, rehearsal.as_deref(), now());
            let scene = |rule| Scene { prometheus, rule, rehearsal, now };
            let scenes: Vec<Scene<'_>> = rules.iter().map(scene).collect();
            let (nearest, passes) = self.runtime.block_on(behaviour::nearest(&scenes));
            if !passes {
                // The one that was asked for may be the one that is not loaded.
                all?;
            }
            index = nearest;
        }
        let rule = rules.remove(index);
        let others = rules.into_iter().map(|rule| rule.name).collect();
        let alert = Alert { rule, rehearsal, others };
        self.alert = Some(alert.clone());
        Ok(alert)
    }

    /// The rule files are valid, and the alert is loaded.
    pub fn alert_valid(&mut self) -> Judgement {
        self.alert().map(drop)
    }

    /// The alert says what somebody who is woken by it needs.
    pub fn alert_described(&mut self) -> Judgement {
        let alert = self.alert()?;
        alert.told(rule::described(&alert.rule))?;
        alert.told(self.runtime.block_on(alert.scene(&self.prometheus, now()).read()))
    }

    /// The alert is quiet on a good day.
    pub fn alert_quiet(&mut self) -> Judgement {
        let alert = self.alert()?;
        alert.told(self.runtime.block_on(alert.scene(&self.prometheus, now()).quiet()))
    }

    /// The alert fires on a bad day.
    pub fn alert_fires(&mut self) -> Judgement {
        let alert = self.alert()?;
        let fires = self.runtime.block_on(alert.scene(&self.prometheus, now()).fires());
        let note = alert.told(fires)?;
        self.notes.extend(note);
        Ok(())
    }
}
