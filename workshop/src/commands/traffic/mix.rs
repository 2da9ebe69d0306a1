//! Which page each request asks for: mostly the count of trees, sometimes the index, and rarely
//! something that is not there, as every server on the internet knows.

use hyper::Uri;

/// One page of the mix.
#[derive(Debug, Clone)]
pub(crate) struct MixPath {
    /// As it stands in the figures.
    pub(crate) path: String,
    /// As it is sent: with the target's prefix.
    pub(crate) uri: Uri,
}

/// A cycle of pages. Fixed, not random: the same load gives the same figures each time.
pub(crate) struct Mix {
    pages: Vec<MixPath>,
    cycle: Vec<usize>,
}

/// How often each page of the default mix comes in a cycle of 20.
const DEFAULT: [(&str, usize); 3] = [("/treecounter", 17), ("/", 2), ("/favicon.ico", 1)];

impl Mix {
    /// The default mix, or the given paths in turn. `sent_as` puts the target's prefix before one.
    pub(crate) fn new(paths: &[String], sent_as: impl Fn(&str) -> String) -> anyhow::Result<Self> {
        let weights: Vec<(&str, usize)> = if paths.is_empty() {
            DEFAULT.to_vec()
        } else {
            paths.iter().map(|path| (path.as_str(), 1)).collect()
        };
        let mut pages = Vec::new();
        for (path, _) in &weights {
            let uri = sent_as(path).parse().map_err(|_| {
                anyhow::anyhow!("`{path}` is not a path: write it like /treecounter")
            })?;
            pages.push(MixPath { path: (*path).to_owned(), uri });
        }
        Ok(Self { pages, cycle: spread(&weights) })
    }

    pub(crate) fn page(&self, number: usize) -> &MixPath {
        &self.pages[self.cycle[number % self.cycle.len()]]
    }
}

/// Spreads each page evenly over the cycle, so that a short run has the mix as well: at each place
/// stands the page that is furthest behind its share.
fn spread(weights: &[(&str, usize)]) -> Vec<usize> {
    let length: usize = weights.iter().map(|(_, weight)| weight).sum();
    let mut given = vec![0; weights.len()];
    let mut cycle = Vec::with_capacity(length);
    for place in 1..=length {
        let behind = |page: usize| (weights[page].1 * place) as i64 - (given[page] * length) as i64;
        // The first of equals, so that given paths keep their order.
        let page = (0..weights.len()).rev().max_by_key(|&page| behind(page)).unwrap_or(0);
        given[page] += 1;
        cycle.push(page);
    }
    cycle
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(mix: &Mix, count: usize) -> Vec<&str> {
        (0..count).map(|number| mix.page(number).path.as_str()).collect()
    }

    #[test]
    fn mostly_trees_sometimes_the_index_rarely_the_unknown() {
        let mix = Mix::new(&[], str::to_owned).unwrap();
        let paths = paths(&mix, 200);
        let count = |wanted| paths.iter().filter(|path| **path == wanted).count();
        assert_eq!((count("/treecounter"), count("/"), count("/favicon.ico")), (170, 20, 10));
        assert_eq!(paths[0], "/treecounter");
        assert!(
            paths.windows(2).all(|pair| pair[0] == "/treecounter" || pair[1] == "/treecounter"),
            "{paths:?}"
        );
    }

    #[test]
    fn given_paths_come_in_turn_and_are_sent_with_the_prefix() {
        let mix = Mix::new(&["/a".to_owned(), "/b?c=d".to_owned()], |path| format!("/base{path}"))
            .unwrap();
        assert_eq!(paths(&mix, 4), ["/a", "/b?c=d", "/a", "/b?c=d"]);
        assert_eq!(mix.page(1).uri, "/base/b?c=d");
    }

    #[test]
    fn refuses_what_is_no_path() {
        assert!(Mix::new(&["/a b".to_owned()], str::to_owned).is_err());
    }
}
