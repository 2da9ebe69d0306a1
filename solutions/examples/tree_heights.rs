//! A histogram of something else than requests: of trees, by height.

use prometheus::{HistogramOpts, HistogramVec, Registry, TextEncoder};

fn main() -> anyhow::Result<()> {
    let registry = Registry::new();

    let opts = HistogramOpts::new("tree_height_meters", "Height of a tree, by kind, in meters.");
    let opts = opts.buckets(vec![1.0, 2.0, 5.0, 10.0]);
    let heights = HistogramVec::new(opts, &["kind"])?;
    registry.register(Box::new(heights.clone()))?;

    for meters in [2.3, 4.0, 12.0] {
        heights.with_label_values(&["oak"]).observe(meters);
    }

    print!("{}", TextEncoder::new().encode_to_string(&registry.gather())?);
    Ok(())
}
