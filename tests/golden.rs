//! Data directories written by every released format, which must open to the very same state for ever.

use std::path::Path;

use guestlist::disk::RealDisk;
use guestlist::recovery::recover;
use guestlist::state::digest::Digest;

#[test]
fn every_golden_directory_folds_to_the_digest_recorded_with_it() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/journal");
    let mut folded = 0;
    for entry in golden.read_dir().expect("there are golden directories") {
        let path = entry.expect("the directory can be listed").path();
        let recovered = recover(&RealDisk::new(&path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let recorded = std::fs::read_to_string(path.join("digest")).expect("a digest is recorded");
        let state = recovered.writer.state();
        assert_eq!(Digest::of(state).to_string(), recorded.trim(), "{}", path.display());
        assert_eq!(
            state.digest().digest,
            Digest::of(state),
            "{}: as its snapshot says and its entries go on",
            path.display()
        );
        folded += 1;
    }
    assert!(folded >= 2, "only {folded} golden directories were found");
}
