//! Tables in Markdown, and the numbers in them.

pub(crate) struct Table(Vec<Vec<String>>);

impl Table {
    pub(crate) fn new(columns: &[&str]) -> Self {
        Self(vec![columns.iter().map(|column| (*column).to_owned()).collect()])
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.0.push(cells.into());
    }

    pub(crate) fn print(&self, title: &str) {
        println!("\n{title}:\n");
        for (index, row) in self.0.iter().enumerate() {
            println!("| {} |", row.join(" | "));
            if index == 0 {
                println!("|{}", " --- |".repeat(row.len()));
            }
        }
    }
}

/// Sorts the values, and takes the one in the middle.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

pub(crate) fn ratio(ratio: f64) -> String {
    format!("**{ratio:.2}**")
}
