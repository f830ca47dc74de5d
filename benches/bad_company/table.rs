//! This is where what was measured stands beside what it should be.

/// Rows: what, the mark, the measure, and whether that meets it.
#[derive(Default)]
pub struct Table(Vec<[String; 4]>);

impl Table {
    pub fn row(&mut self, what: &str, mark: &str, measured: &str, met: bool) {
        let met = if met { "met" } else { "MISSED" };
        self.0.push([what, mark, measured, met].map(str::to_owned));
    }

    pub fn print(&self) {
        let head = ["what", "mark", "measured", ""].map(str::to_owned);
        println!();
        for row in std::iter::once(&head).chain(&self.0) {
            let [what, mark, measured, met] = row;
            println!("{what:<52} {mark:<36} {measured:<52} {met}");
        }
    }
}

/// The one in the middle.
pub fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
