//! The page for those who describe a program: every key is on it, and its example works.

use crate::runtime::{
    Clocks, Description, ExitCodes, LineRule, PromptBy, RefusedRule, SessionBy, TerminalRules, TextRule, ToolRule,
    UsageRules, Verdict, own,
};

const PAGE: &str = include_str!("../../../docs/RUNTIMES.md");

/// The keys of a table, as its own parser names them for one that it does not know.
fn keys<T: serde::de::DeserializeOwned>() -> Vec<String> {
    let error = toml::from_str::<T>("no_such_key = 1").err().expect("no such key");
    let names = error.message().split("expected").nth(1).expect("the known keys");
    names.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_key_is_on_the_page() {
    let tables = [
        keys::<Description>(),
        keys::<Clocks>(),
        keys::<LineRule>(),
        keys::<ToolRule>(),
        keys::<TerminalRules>(),
        keys::<TextRule>(),
        keys::<UsageRules>(),
        keys::<RefusedRule>(),
    ];
    let mut count = 0;
    for key in tables.iter().flatten() {
        let shown = [format!("`{key}`"), format!("`[{key}]`"), format!("`[[{key}]]`"), format!("`[[terminal.{key}]]`")];
        assert!(shown.iter().any(|form| PAGE.contains(form)), "{key} is not in docs/RUNTIMES.md");
        count += 1;
    }
    assert!(count > 50, "{count}");
    let words = PromptBy::ALL.iter().map(|word| word.word());
    let words = words.chain(SessionBy::ALL.iter().map(|word| word.word()));
    let words = words.chain(ExitCodes::ALL.iter().map(|word| word.word()));
    for word in words.chain(Verdict::ALL.iter().map(|word| word.word())) {
        assert!(PAGE.contains(&format!("`{word}`")), "{word} is not in docs/RUNTIMES.md");
    }
}

#[test]
fn the_example_is_read_and_concludes_what_the_page_shows() {
    let blocks = |kind: &str| {
        let open = format!("```{kind}\n");
        PAGE.split(&open).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let toml = blocks("toml");
    let okra = own("okra", &format!("{}{}", toml[1], toml[2])).unwrap_or_else(|mistake| panic!("{mistake}"));
    own("amp", &toml[0]).unwrap_or_else(|mistake| panic!("{mistake}"));
    let mut reading = crate::runtime::Reading::new(okra);
    super::read_all(&mut reading, blocks("json")[0].as_bytes());
    let facts = reading.facts();
    assert_eq!((facts.events, facts.ignored.total(), facts.session.as_deref()), (5, 0, Some("s-1")));
    let end = facts.terminal.clone().unwrap();
    assert_eq!((end.http_status, end.message.as_deref()), (Some(429), Some("slow down")));
    assert_eq!(end.limit.unwrap().retry_after.unwrap().as_secs(), 120);
}
