//! The pages: one layout, nothing loaded from elsewhere, readable from the back row.

use std::ops::Range;
use std::sync::{LazyLock, Mutex, PoisonError};

use hyper::body::Bytes;

/// A layout, cut where the title, the content and the note go.
type Layout = [String; 4];

/// Of the front page, which has links of its own.
static FRONT: LazyLock<Layout> = LazyLock::new(|| layout("", TREE, "1f7a46", ""));
static WELL: LazyLock<Layout> = LazyLock::new(|| layout("", TREE, "1f7a46", LINKS));
static FAILED: LazyLock<Layout> = LazyLock::new(|| layout("failed", FELLED_TREE, "b3261e", LINKS));

/// Paths of SVG, 16 by 16.
const TREE: &str = "M8 0 12 5h-2l3.5 4H11l4 4.5H9V16H7v-2.5H1L5 9H2.5L6 5H4z";
/// The same on its side, its stump, and the ground.
const FELLED_TREE: &str = "M16 10 12.6 12.3V11.1L9.8 13.1V11.7L6.7 14V10.6H5V9.4H6.7V6\
                           L9.8 8.3V6.9L12.6 8.9V7.7z\
                           M.5 14V10.5L2 11.2 3.5 10V14z\
                           M0 14.6H16v.8H0z";

const LINKS: &str = "<nav><a href=\"/\">Start</a> <a href=\"/treecounter\">/treecounter</a> \
                     <a href=\"/metrics\">/metrics</a></nav>";

fn layout(look: &str, picture: &str, colour: &str, links: &str) -> Layout {
    let layout = include_str!("page.html")
        .replace("{{look}}", look)
        .replace("{{picture}}", picture)
        .replace("{{colour}}", colour)
        .replace("{{links}}", links);
    let (head, rest) = layout.split_once("{{title}}").expect("the layout has a title");
    let (middle, rest) = rest.split_once("{{main}}").expect("the layout has a main part");
    let (gap, tail) = rest.split_once("{{note}}").expect("the layout has a note");
    [head, middle, gap, tail].map(str::to_owned)
}

/// A page that is made once for many visitors, with a note that can be another for one of them.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    whole: Bytes,
    note: Range<usize>,
}

impl Page {
    fn new(layout: &Layout, title: &str, main: &str, note: &str) -> Self {
        let [head, middle, gap, tail] = layout.each_ref().map(String::as_str);
        let start = head.len() + title.len() + middle.len() + main.len() + gap.len();
        let whole = [head, title, middle, main, gap, note, tail].concat();
        Self { whole: whole.into(), note: start..start + note.len() }
    }

    /// The page with a note of its own: HTML.
    pub(crate) fn noting(&self, note: &str) -> Bytes {
        let Range { start, end } = self.note;
        [&self.whole[..start], note.as_bytes(), &self.whole[end..]].concat().into()
    }
}

impl From<Page> for Bytes {
    fn from(page: Page) -> Self {
        page.whole
    }
}

pub(crate) fn index() -> Page {
    Page::new(
        &FRONT,
        "Tree counter",
        "<h1>The tree counter</h1>\n\
         <ul>\n\
         <li><a href=\"/treecounter\">/treecounter</a><br>\
         how many trees were planted: the app that you observe</li>\n\
         <li><a href=\"/treecounter?every=2\">/treecounter?every=2</a><br>\
         the same, asked again every two seconds</li>\n\
         <li><a href=\"/metrics\">/metrics</a><br>\
         what the app tells about itself, once you have done section 1</li>\n\
         </ul>",
        "<p class=\"note\">Your next step stands in the README.md of the section that you run.</p>",
    )
}

pub(crate) fn not_found() -> Page {
    Page::new(
        &WELL,
        "Not found",
        "<h1>There is nothing at this address</h1>",
        "<p>Perhaps you want <a href=\"/treecounter\">/treecounter</a>?</p>",
    )
}

/// Where a count comes from that the program makes up.
pub(crate) const SIMULATED: &str = "A simulated count, so that the workshop runs offline.";

/// The page that everybody visits. It is made once for each count, and not for each visit.
#[derive(Debug)]
pub(crate) struct TreeCountPage {
    origin: String,
    latest: Mutex<(u64, Page)>,
}

impl TreeCountPage {
    /// Pages of counts that come from here: a sentence.
    pub(crate) fn new(origin: &str) -> Self {
        let origin = escaped(origin);
        Self { latest: Mutex::new((0, tree_count(0, &origin))), origin }
    }

    pub(crate) fn of(&self, count: u64) -> Page {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.0 != count {
            *latest = (count, tree_count(count, &self.origin));
        }
        latest.1.clone()
    }
}

fn tree_count(count: u64, origin: &str) -> Page {
    let digits = grouped(count);
    let main = format!(
        "<p class=\"count\">{digits}</p>\n\
         <h1>trees planted by the users of Ecosia</h1>\n\
         <p class=\"note\">{origin}</p>"
    );
    Page::new(&WELL, &format!("{digits} trees"), &main, "")
}

/// A page in the colours of a failure, with its status in large. The words are our own, so none of
/// them is escaped.
pub(crate) fn failure(status: u16, what: &'static str, reason: &'static str) -> Page {
    Page::new(
        &FAILED,
        &format!("{status} Failed"),
        &format!(
            "<p class=\"count\">{status}</p>\n\
             <h1>Failed: {what}</h1>\n\
             <p>{reason}</p>"
        ),
        "<p><a href=\"/treecounter\">Try again</a></p>",
    )
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

    fn text(page: impl Into<Bytes>) -> String {
        String::from_utf8(page.into().to_vec()).unwrap()
    }

    #[test]
    fn a_page_loads_nothing_from_elsewhere() {
        let trees = TreeCountPage::new("origin").of(1);
        for page in [index(), not_found(), trees, failure(503, "down", "It is down.")].map(text) {
            assert!(!page.contains("{{"), "a placeholder is left");
            assert!(!page.contains("src="), "something is loaded");
            let links = page.match_indices("href=\"").map(|(at, found)| &page[at + found.len()..]);
            for link in links {
                assert!(link.starts_with('/') || link.starts_with("data:"), "{link}");
            }
        }
    }

    #[test]
    fn a_new_count_is_a_new_page_with_its_origin_escaped() {
        let page = TreeCountPage::new("A & <B>.");
        for count in [0, 1_234, 1_234, 1_235] {
            let text = text(page.of(count));
            assert!(text.contains(&format!(">{}</p>", grouped(count))), "{text}");
            assert!(text.contains("A &amp; &lt;B&gt;."), "{text}");
        }
    }

    #[test]
    fn a_note_is_for_one_visitor() {
        for page in [TreeCountPage::new("origin").of(1), failure(503, "down", "It is down.")] {
            let common = text(page.clone());
            let own = text(page.noting("<p>for you</p>"));
            assert!(own.contains("\n<p>for you</p>\n</main>"), "{own}");
            assert!(!own.contains("Try again"), "the common note is left: {own}");
            assert_eq!(text(page), common);
        }
    }

    /// The picture has the page in it that it was taken of.
    #[test]
    fn the_picture_on_the_first_page_shows_this_page() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/treecounter.png");
        let picture = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        let shown = picture.split_once("tEXtpage\0").expect("a page in the picture").1;
        let digits = shown.split_once("class=\"count\">").unwrap().1.split('<').next().unwrap();
        let count: u64 = digits.replace(',', "").parse().unwrap();
        let current = text(TreeCountPage::new(SIMULATED).of(count));
        assert!(
            shown.starts_with(&current),
            "docs/treecounter.png is of another page: python3 treecounter-core/test-page --picture"
        );
    }
}
