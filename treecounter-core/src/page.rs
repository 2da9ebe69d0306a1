//! The pages: one layout, nothing loaded from elsewhere, readable from the back row.

use std::sync::{LazyLock, Mutex, PoisonError};

use hyper::body::Bytes;

/// The layout, cut where the title and the content go.
static LAYOUT: LazyLock<[&str; 3]> = LazyLock::new(|| {
    let layout = include_str!("page.html");
    let (head, rest) = layout.split_once("{{title}}").expect("the layout has a title");
    let (middle, tail) = rest.split_once("{{main}}").expect("the layout has a main part");
    [head, middle, tail]
});

pub(crate) fn index() -> String {
    page(
        "Tree counter",
        "<h1>The tree counter</h1>\n\
         <ul>\n\
         <li><a href=\"/treecounter\">/treecounter</a><br>how many trees were planted: the app that you observe</li>\n\
         <li><a href=\"/metrics\">/metrics</a><br>what the app tells about itself, once you have done section 1</li>\n\
         </ul>\n\
         <p class=\"note\">Your next step stands in the README.md of the section that you are running.</p>",
    )
}

pub(crate) fn not_found() -> String {
    page(
        "Not found",
        "<h1>There is nothing at this address</h1>\n\
         <p>Perhaps you want <a href=\"/treecounter\">/treecounter</a>?</p>",
    )
}

/// The page that everybody visits. It is made once for each count, and not for each visit.
#[derive(Debug)]
pub(crate) struct TreeCountPage {
    origin: String,
    latest: Mutex<(u64, Bytes)>,
}

impl TreeCountPage {
    /// Pages of counts that come from here: a sentence.
    pub(crate) fn new(origin: &str) -> Self {
        let origin = escaped(origin);
        Self { latest: Mutex::new((0, tree_count(0, &origin))), origin }
    }

    pub(crate) fn of(&self, count: u64) -> Bytes {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.0 != count {
            *latest = (count, tree_count(count, &self.origin));
        }
        latest.1.clone()
    }
}

fn tree_count(count: u64, origin: &str) -> Bytes {
    let digits = grouped(count);
    let main = format!(
        "<p class=\"count\">{digits}</p>\n\
         <h1>trees planted by the users of Ecosia</h1>\n\
         <p class=\"note\">{origin}</p>"
    );
    page(&format!("{digits} trees"), &main).into()
}

pub(crate) fn unavailable(reason: &str) -> String {
    let reason = escaped(reason);
    page(
        "No count right now",
        &format!(
            "<h1>503: no count right now</h1>\n\
             <p>{reason}</p>\n\
             <p><a href=\"/treecounter\">Try again</a></p>"
        ),
    )
}

fn page(title: &str, main: &str) -> String {
    let [head, middle, tail] = *LAYOUT;
    [head, title, middle, main, tail].concat()
}

/// The number with a comma between every three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_by_three() {
        for (number, expected) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (70_000_000, "70,000,000"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ] {
            assert_eq!(grouped(number), expected);
        }
    }

    #[test]
    fn a_page_loads_nothing_from_elsewhere() {
        let trees = String::from_utf8(TreeCountPage::new("origin").of(1).to_vec()).unwrap();
        for page in [index(), not_found(), trees, unavailable("down")] {
            assert!(!page.contains("{{"), "a placeholder is left");
            assert!(!page.contains("src="), "something is loaded");
            let links = page.match_indices("href=\"").map(|(at, found)| &page[at + found.len()..]);
            for link in links {
                assert!(link.starts_with('/') || link.starts_with("data:"), "{link}");
            }
        }
    }

    #[test]
    fn a_new_count_is_a_new_page() {
        let page = TreeCountPage::new("A & B.");
        for count in [0, 1_234, 1_234, 1_235] {
            let text = String::from_utf8(page.of(count).to_vec()).unwrap();
            assert!(text.contains(&format!(">{}</p>", grouped(count))), "{text}");
            assert!(text.contains("A &amp; B."), "{text}");
        }
    }

    #[test]
    fn what_comes_from_outside_is_escaped() {
        assert!(unavailable("a & <b>").contains("a &amp; &lt;b&gt;"));
    }
}
