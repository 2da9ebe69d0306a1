use proptest::prelude::*;

use super::*;

fn read(vars: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    Settings::from_vars(vars.iter().map(|(name, value)| (name.into(), value.into())))
}

#[test]
fn without_settings_the_defaults_hold() {
    assert_eq!(read(&[("PATH", "/bin")]), Ok(Settings::default()));
}

#[cfg(windows)]
#[test]
fn windows_does_not_tell_letters_of_a_name_apart() {
    let settings = read(&[("Treecounter_Failure_Rate", "0.5")]).unwrap();
    assert_eq!(settings.failure_rate, 0.5);
}

#[test]
fn the_help_tells_the_true_defaults() {
    let defaults = SETTINGS.iter().filter(|(_, default, _)| *default != "off");
    let vars: Vec<_> = defaults.map(|(name, default, _)| (*name, *default)).collect();
    assert_eq!(read(&vars), Ok(Settings::default()));
    assert_eq!(Settings::default().outage, None);
    for (name, default, meaning) in SETTINGS {
        let help = Settings::help();
        let line = help.lines().find(|line| line.contains(name)).unwrap();
        assert!(line.contains(default) && line.ends_with(meaning), "{line}");
    }
}

#[test]
fn every_setting_is_read() {
    let settings = read(&[
        (ADDR, "[::]:0"),
        (FAILURE_RATE, "1"),
        (LATENCY_MIN, "0.25"),
        (LATENCY_MAX, "0.25"),
        (OUTAGE_EVERY, "300"),
        (OUTAGE_FOR, "60"),
    ]);
    let quarter = Duration::from_millis(250);
    assert_eq!(
        settings,
        Ok(Settings {
            addr: "[::]:0".parse().unwrap(),
            failure_rate: 1.0,
            latency: Latency { min: quarter, max: quarter },
            outage: Some(Outage {
                every: Duration::from_secs(300),
                lasts: Duration::from_secs(60)
            }),
            source: Source::Simulated,
        })
    );
}

#[test]
fn what_cannot_be_used_is_named_with_what_is_accepted() {
    for (name, value, accepted) in [
        (ADDR, "8001", "an IP address and a port, such as 127.0.0.1:8001 or [::1]:8001"),
        (ADDR, "localhost:8001", "an IP address and a port, such as 127.0.0.1:8001 or [::1]:8001"),
        (ADDR, "127.0.0.1:80010", "an IP address and a port, such as 127.0.0.1:8001 or [::1]:8001"),
        (FAILURE_RATE, "15%", "a number from 0 to 1"),
        (FAILURE_RATE, "1.01", "a number from 0 to 1"),
        (FAILURE_RATE, "NaN", "a number from 0 to 1"),
        (FAILURE_RATE, "", "a number from 0 to 1"),
        (LATENCY_MAX, "-1", "a number of seconds from 0 to 60, such as 0.5"),
        (LATENCY_MAX, "500ms", "a number of seconds from 0 to 60, such as 0.5"),
        (LATENCY_MIN, "1e9", "a number of seconds from 0 to 60, such as 0.5"),
        (LATENCY_MIN, "2", "at most TREECOUNTER_LATENCY_MAX_SECONDS, which is 1"),
        (SOURCE, "ecosia", SOURCES),
    ] {
        let error = read(&[(name, value)]).unwrap_err();
        assert_eq!(error.to_string(), format!("{name} is {value:?}, but must be {accepted}"));
    }
}

const SOURCES: &str = "\"simulated\" or a URL that begins with http:// or https://, \
                       with a host, and a port from 1 to 65535 if it has one";

#[test]
fn a_source_has_a_host_and_a_port_that_exists() {
    for url in [
        "https://",
        "ftp://example.org/",
        "http://:80/",
        "http://localhost:99999/count",
        "http://localhost:65536/",
        "http://localhost:0/",
        "http://localhost:/",
        "http://user:8080@localhost:port/",
        "http://[::1]:99999/",
    ] {
        let error = read(&[(SOURCE, url)]).unwrap_err().to_string();
        assert!(error.ends_with(SOURCES), "{url}: {error}");
    }
    for url in ["http://localhost", "http://[::1]:8080/count", "https://u:p@example.org:65535/?q"] {
        let error = read(&[(SOURCE, url)]).err().map(|error| error.to_string());
        assert!(error.is_none_or(|error| error.contains("--features live")), "{url}");
    }
}

#[test]
fn a_source_is_never_shown_whole() {
    for url in [
        "https://secret:secret@example.org:8443/secret?key=secret",
        "https://secret@example.org:99999/secret",
        "htps://secret:se/cret@example.org",
        "https//secret:secret@example.org",
        "https://example.org/sec ret",
    ] {
        let shown = match read(&[(SOURCE, url)]) {
            Ok(settings) => format!("{settings:?}"),
            Err(error) => format!("{error} {error:?}"),
        };
        assert!(!shown.contains("sec"), "{shown}");
    }
    let shown = source::presentable("https://secret@example.org:8443/?key=secret");
    assert_eq!(shown, "https://example.org:8443");
}

#[test]
fn bounds_that_cross_name_the_one_that_was_set() {
    let vars = [(LATENCY_MIN, "0.5"), (LATENCY_MAX, "0.1")];
    let error = read(&vars).unwrap_err().to_string();
    assert!(error.starts_with("TREECOUNTER_LATENCY_MIN_SECONDS is \"0.5\""), "{error}");
}

#[test]
fn an_outage_is_whole_and_fits_its_period() {
    let half = read(&[(OUTAGE_EVERY, "300")]).unwrap_err().to_string();
    assert!(half.contains("TREECOUNTER_OUTAGE_FOR_SECONDS is not"), "{half}");
    let half = read(&[(OUTAGE_FOR, "300")]).unwrap_err().to_string();
    assert!(half.contains("TREECOUNTER_OUTAGE_EVERY_SECONDS is not"), "{half}");
    let long = read(&[(OUTAGE_EVERY, "10"), (OUTAGE_FOR, "11")]).unwrap_err().to_string();
    assert!(long.ends_with("a number of seconds from 0 to 10, such as 0.5"), "{long}");
}

#[test]
fn a_name_that_is_almost_a_settings_is_refused() {
    let error = read(&[("TREECOUNTER_FAILURERATE", "0")]).unwrap_err().to_string();
    assert!(error.starts_with("TREECOUNTER_FAILURERATE is not a setting"), "{error}");
    assert!(error.contains(FAILURE_RATE), "{error}");
}

#[test]
fn a_url_needs_the_client_that_reads_it() {
    let source = read(&[(SOURCE, "https://example.org/count")]);
    if cfg!(feature = "live") {
        let url = "https://example.org/count".to_owned();
        assert_eq!(source.map(|settings| settings.source), Ok(Source::Live(url)));
    } else {
        let error = source.unwrap_err().to_string();
        assert!(error.contains("--features live"), "{error}");
    }
}

#[test]
fn only_a_program_that_serves_has_a_source_to_ask() {
    let url =
        || [(SOURCE.into(), "http://localhost:1/count".into()), (ADDR.into(), "[::]:0".into())];
    let bad = || [(SOURCE.into(), "ftp://".into())];
    assert_eq!(Settings::for_order(&Order::Help, url()), Ok(Settings::default()));
    assert_eq!(Settings::for_order(&Order::Help, bad()), Ok(Settings::default()));
    for order in [Order::Healthcheck, Order::Unknown("--port".to_owned())] {
        assert!(Settings::for_order(&order, bad()).is_err());
        if cfg!(feature = "live") {
            let settings = Settings::for_order(&order, url()).unwrap();
            assert_eq!(settings.source, Source::Simulated);
            assert_eq!(settings.addr.to_string(), "[::]:0");
        }
    }
}

proptest! {
    #[test]
    fn any_values_are_settings_or_an_error_that_names_one(
        values in prop::array::uniform7(prop::option::of(VALUES)),
    ) {
        let names = SETTINGS.map(|(name, ..)| name);
        let vars: Vec<_> = names.into_iter().zip(&values).filter_map(|(name, value)| {
            Some((name, value.as_deref()?))
        }).collect();
        match read(&vars) {
            Ok(Settings { failure_rate, latency: Latency { min, max }, outage, .. }) => {
                assert!((0.0..=1.0).contains(&failure_rate));
                assert!(min <= max && max <= Duration::from_secs(60));
                assert!(outage.is_none_or(|outage| outage.lasts <= outage.every));
            }
            Err(error) => {
                let error = error.to_string();
                assert!(vars.iter().any(|(name, _)| error.contains(name)), "{error}");
                assert!(error.len() < 2_000, "{error}");
            }
        }
    }
}

/// Anything, and what is nearly a number, an address, or a URL.
const VALUES: &str = "\\PC*|[-+0-9.eE_ ]{0,12}|[0-9.:\\[\\]]{0,24}|0?\\.?[0-9]{1,3}|\
                      NaN|-?inf|simulated|\
                      https?:/{0,3}([a-z]{0,5}(:[a-z0-9]{0,5})?@)?[a-z0-9.\\[\\]:]{0,12}\
                      (:[0-9]{0,6})?(/\\PC{0,9})?";
