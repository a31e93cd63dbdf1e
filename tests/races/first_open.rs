//! Many commands meet a state file that does not exist yet.

use super::{Barrier, campaign};
use crate::scene::{Running, Stage};

const CROWD: usize = 64;

/// B23
#[test]
fn the_first_commands_on_a_fresh_state_all_succeed() {
    for _ in 0..campaign("REFLOAT_ROUNDS", 3) {
        let stage = Stage::new();
        let barrier = Barrier::new(&stage);
        let send = stage.mail(&["send", "--queue", "--from", "a", "--to", "b", "--subject", "first"]);
        let crowd: Vec<Running> = (0..CROWD).map(|_| barrier.hold(&send)).collect();
        barrier.open(&crowd);
        let failed: Vec<_> = crowd.into_iter().map(Running::end).filter(|end| end.code() != Some(0)).collect();
        assert!(failed.is_empty(), "{} of {CROWD}: {failed:?}", failed.len());
        assert_eq!(stage.count("SELECT count(*) FROM mail"), CROWD as i64);
        stage.assert_whole();
    }
}
