//! Many processes at one mark: they set it, renew it and clear it, and one at a time has it.

use std::process::Command;

use super::{Barrier, campaign};
use crate::scene::{Running, Stage, records};

/// A shell that is the owner: it keeps its mark until the gate of the second act opens.
fn claimer(stage: &Stage, script: &str) -> Command {
    let mut command = stage.command("bash");
    command.args(["-c", script]).env("MARK", env!("CARGO_BIN_EXE_mark")).env("OUT", stage.path("out"));
    command
}

/// None of the owners ends before all have had their answer.
#[test]
fn of_many_that_set_a_mark_on_a_fresh_file_exactly_one_has_it() {
    for round in 0..campaign("REFLOAT_ROUNDS", 2) {
        let stage = Stage::new();
        std::fs::create_dir(stage.path("out")).unwrap();
        let crowd = campaign("REFLOAT_RACERS", 64);
        let barrier = Barrier::new(&stage);
        let script = "$MARK set dispatch b1 --scope / --owner-pid $$ >$OUT/$$.out 2>$OUT/$$.err; echo $? >$OUT/$$.new
            exec 3<$OUT/../rest; mv $OUT/$$.new $OUT/$$.code; exec cat <&3 >/dev/null";
        nix::unistd::mkfifo(&stage.path("rest"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let rest = std::fs::File::options().read(true).write(true).open(stage.path("rest")).unwrap();
        let racers: Vec<Running> = (0..crowd).map(|_| barrier.hold(&claimer(&stage, script))).collect();
        barrier.open(&racers);
        let out = |pid: i32, end: &str| std::fs::read_to_string(stage.path(&format!("out/{pid}.{end}")));
        crate::scene::until("every answer", || racers.iter().all(|racer| out(racer.pid(), "code").is_ok()));
        let mut winners = Vec::new();
        for racer in &racers {
            let (code, err) = (out(racer.pid(), "code").unwrap(), out(racer.pid(), "err").unwrap());
            match code.trim() {
                "0" => winners.push(racer.pid()),
                "75" => assert!(err.contains("k1 (dispatch b1) is live: operator set it for process"), "{err}"),
                other => panic!("{other}: {err}"),
            }
        }
        assert_eq!(winners.len(), 1, "round {round}: {winners:?}");
        assert_eq!(stage.texts("SELECT json_extract(owner, '$.pid') FROM mark"), [winners[0].to_string()]);
        let told = records(out(winners[0], "out").unwrap().as_bytes());
        assert_eq!((&told[0]["owner_pid"], &told[0]["state"]), (&winners[0].into(), &"live".into()));
        drop(rest);
        for racer in racers {
            assert_eq!(racer.end().code(), Some(0));
        }
        assert_eq!(stage.texts("PRAGMA integrity_check"), ["ok"]);
    }
}

/// Each owner sets, renews and clears by its nonce; inside it makes a folder that only one can make.
#[test]
fn who_has_the_mark_is_alone_while_others_set_beat_and_clear() {
    let stage = Stage::new();
    std::fs::create_dir(stage.path("out")).unwrap();
    let crowd = campaign("REFLOAT_RACERS", 12);
    let barrier = Barrier::new(&stage);
    let script = r#"had=0
        for round in 1 2 3 4 5 6; do
            line=$($MARK set dispatch b1 --scope / --owner-pid $$ 2>>$OUT/$$.err); code=$?
            case $code in
                75) $MARK beat dispatch b1 --scope / >/dev/null 2>>$OUT/$$.err; code=$?
                    [ $code = 76 ] || [ $code = 66 ] || echo "beat $code" >>$OUT/wrong
                    $MARK clear dispatch b1 --scope / >/dev/null 2>>$OUT/$$.err; code=$?
                    [ $code = 76 ] || [ $code = 0 ] || echo "clear $code" >>$OUT/wrong
                    continue;;
                0) ;;
                *) echo "set $code" >>$OUT/wrong; continue;;
            esac
            had=$((had + 1))
            nonce=${line##*\"nonce\":\"}; nonce=${nonce%%\"*}
            mkdir $OUT/inside || echo "two are inside" >>$OUT/wrong
            $MARK beat dispatch b1 --scope / --nonce $nonce >/dev/null || echo "own beat" >>$OUT/wrong
            rmdir $OUT/inside
            $MARK clear dispatch b1 --scope / --nonce $nonce >/dev/null || echo "own clear" >>$OUT/wrong
        done
        echo $had >$OUT/$$.had"#;
    let racers: Vec<Running> = (0..crowd).map(|_| barrier.hold(&claimer(&stage, script))).collect();
    barrier.open(&racers);
    let mut had = 0;
    for racer in racers {
        let pid = racer.pid();
        let ended = racer.end();
        assert_eq!(ended.code(), Some(0), "{ended:?}");
        had += std::fs::read_to_string(stage.path(&format!("out/{pid}.had"))).unwrap().trim().parse::<i64>().unwrap();
        let said = std::fs::read_to_string(stage.path(&format!("out/{pid}.err"))).unwrap_or_default();
        assert!(!said.contains("locked") && !said.contains("panicked"), "{said}");
    }
    assert_eq!(std::fs::read_to_string(stage.path("out/wrong")).unwrap_or_default(), "");
    println!("{crowd} owners: {had} had the mark");
    assert_eq!(stage.count("SELECT count(*) FROM mark WHERE ended_how = 'cleared' AND beats = 1"), had);
    assert_eq!(stage.count("SELECT count(*) FROM mark"), had);
    assert_eq!(stage.texts("PRAGMA integrity_check"), ["ok"]);
}

/// Its owners are killed while they have it: the next one has it at once, and each that was lost is on record.
#[test]
fn a_mark_whose_owner_is_killed_goes_to_the_next_one() {
    let stage = Stage::new();
    std::fs::create_dir(stage.path("out")).unwrap();
    let crowd = campaign("REFLOAT_RACERS", 16);
    let barrier = Barrier::new(&stage);
    let script = r#"until $MARK set dispatch b1 --scope / --owner-pid $$ --ttl 7d >/dev/null 2>$OUT/$$.err; do
            [ $? = 75 ] || { echo "set fails" >>$OUT/wrong; exit 9; }; done
        mkdir $OUT/inside || echo "two are inside" >>$OUT/wrong
        rmdir $OUT/inside; kill -9 $$"#;
    let racers: Vec<Running> = (0..crowd).map(|_| barrier.hold(&claimer(&stage, script))).collect();
    barrier.open(&racers);
    for racer in racers {
        assert!(racer.end().was_killed());
    }
    assert_eq!(std::fs::read_to_string(stage.path("out/wrong")).unwrap_or_default(), "");
    let all = i64::try_from(crowd).unwrap();
    assert_eq!(stage.count("SELECT count(*) FROM mark"), all);
    let replaced =
        "SELECT count(*) FROM mark WHERE ended_how = 'replaced' AND ended_why IN ('zombie', 'no_such_process')";
    assert_eq!(stage.count(replaced), all - 1);
}
