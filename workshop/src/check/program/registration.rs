//! Why a metric is not at /metrics at all, most likely: the file does not make it, or it is not in
//! the registry that is shown, or it has no series yet.

use crate::check::program::metric::{COUNTER, HISTOGRAM, Metric};
use crate::check::program::mistake::{Hints, Mistake};
use crate::check::program::source::Source;
use crate::check::verdict::Quote;

pub(crate) fn not_there(source: &Source, metric: Metric) -> Mistake {
    let Metric { family, kind, made, variable, .. } = metric;
    let register = format!("`registry.register(Box::new({variable}.clone()))?`");
    if let Some(mistake) = elsewhere(source, metric, &register) {
        return mistake;
    }
    if !source.text.is_empty() && !source.has(family) {
        let cause = format!(
            "Your file does not name it yet. A {kind} is made with `{made}`, and registered with \
             the registry that MetricsHandler shows."
        );
        return Mistake::naming(cause, None);
    }
    if let Some(mistake) = below_serve(source, ".register(") {
        return mistake;
    }
    let unregistered = |cause: String, line: Option<Quote>| {
        Mistake::naming(format!("{cause}: {register}."), REGISTERED).at(line)
    };
    if metric.is_made_again(source) {
        let cause = format!(
            "Two {kind}s are made, and the one that is registered is not the one that is used. \
             Make one, and register a clone of it"
        );
        return unregistered(cause, source.second_line_with(made));
    }
    if source.count("Registry::new") + source.count("Registry::default") > 1 {
        let cause = format!(
            "There are two registries. The {kind} has to be in the one that MetricsHandler shows"
        );
        return unregistered(cause, source.second_line_with("Registry::"));
    }
    if source.has(family) && is_unregistered(source, made) {
        let cause = format!("The {kind} is made, but not registered");
        return unregistered(cause, source.line_with(&[family]));
    }
    if source.has(".register(") && !metric.named_by.iter().any(|part| source.has(part)) {
        let values =
            if metric.by_status { "\"200\", \"/treecounter\"" } else { "\"/treecounter\"" };
        let cause = format!(
            "A {kind} with labels shows nothing until a set of label values is named: \
             `{variable}.with_label_values(&[{values}])` in `main`, before `serve`."
        );
        return Mistake::naming(cause, NAMED).at(source.line_with(&[family]));
    }
    let cause = format!(
        "Either it is not registered with the registry that MetricsHandler shows, or no set of its \
         label values was named yet: until then a {kind} with labels shows nothing."
    );
    Mistake::naming(cause, None)
}

/// Where it was registered instead.
fn elsewhere(source: &Source, metric: Metric, register: &str) -> Option<Mistake> {
    let Metric { kind, made, macros, .. } = metric;
    // A program may show that registry on purpose.
    let shows = |line: &str| line.contains("MetricsHandler::new(") && line.contains("default_reg");
    if source.place(shows).is_some() {
        return None;
    }
    let signs: [(&[&str], String); 4] = [
        (
            &[macros],
            format!("`{macros}_vec!` and its like register with {DEFAULT}. Use {register}."),
        ),
        (
            &["prometheus::register("],
            format!("`prometheus::register` registers with {DEFAULT}. Use {register}."),
        ),
        (
            &["default_registry"],
            format!("This is {DEFAULT}. Register with the one that MetricsHandler is given."),
        ),
        (&["unregister("], "`unregister` takes it out of the registry again.".to_owned()),
    ];
    let told = signs.into_iter().find_map(|(parts, cause)| {
        Some(Mistake::naming(cause, REGISTERED).at(source.line_with(parts)?))
    });
    told.or_else(|| {
        let vec = made.trim_start_matches("Int").trim_end_matches("::new");
        let line = source.line_with(&["static ", vec])?;
        let (_, behind) = line.text.split_once("static ")?;
        let (name, _) = behind.split_once(':')?;
        let registers = |line: &str| line.contains(".register(") && line.contains(name);
        let cause = format!(
            "A static is made when it is first used, and is not registered by that. Make the \
             {kind} in `main`, and register a clone of it."
        );
        let is_registered = source.place(registers).is_some();
        (!is_registered).then(|| Mistake::naming(cause, REGISTERED).at(line))
    })
}

/// Whether no line registers what is made so.
fn is_unregistered(source: &Source, made: &str) -> bool {
    let made = source.place(|line| line.contains(made) && line.contains("let "));
    let name = made.and_then(|line| {
        let (_, behind) = line.text.split_once("let ")?;
        let (name, _) = behind.trim_start_matches("mut ").split_once([' ', ':'])?;
        Some(name.to_owned())
    });
    let registers = |line: &str| line.contains("register") || line.contains("Box::new(");
    match name {
        Some(name) => source.place(|line| registers(line) && line.contains(&name)).is_none(),
        None => {
            let named = [COUNTER, HISTOGRAM].into_iter().filter(|name| source.has(name));
            source.count(".register(") < named.count()
        }
    }
}

/// What stands below `serve` in `main`.
pub(crate) fn below_serve(source: &Source, part: &str) -> Option<Mistake> {
    let serve = source.place(|line| line.contains("serve(&"))?;
    let line = source.line_with(&[part])?;
    // A function below `main` is no part of it.
    let mut between = source.text.lines().take(line.line).skip(serve.line);
    (serve.line < line.line && between.all(|line| line != "}")).then(|| BELOW_SERVE.at(line))
}

const DEFAULT: &str = "the crate's own default registry, and /metrics shows yours";

const BELOW_SERVE: Mistake = Mistake::new(
    "This stands below `serve`, which runs until the program is stopped. What the program needs \
     is made ready above.",
    [
        "Which lines of `main` run before the first visitor comes, and which after the last?",
        "`serve` comes back when the program is stopped, and what stands below it waits until \
         then. What visitors should find is made ready above.",
    ],
);

/// It is not in the registry that is shown.
const REGISTERED: Hints = [
    "Where does /metrics get its metrics from, and does yours arrive there?",
    "MetricsHandler shows what is in the registry that it is given, and nothing else. A program \
     may have several, and the crate has one of its own. `register` takes a metric into a \
     registry, and `unregister` out of it. A clone is the same metric; a second one that is made \
     is another.",
];

/// No series was named.
const NAMED: Hints = [
    "Before anyone has said which values its labels have: what could a metric with labels show?",
    "`with_label_values` makes a series when its values are first named. A metric with labels has \
     none of its own, and is left out at /metrics until then.",
];
