#!/usr/bin/env nu
# fallback.nu: what to do when the monitor of a run has died, for Nushell. The same steps, records and exit codes as
# scripts/fallback: look at the session, at what the monitor wrote, always at the sources of truth, decide once, and
# say the next step.

# One look. What it printed, as it is; its failure is ours.
def look [command: string, ...words: string]: nothing -> string {
    let said = ^$command ...$words | complete
    if $said.exit_code != 0 {
        print --stderr ($said.stderr | str trim)
        exit $said.exit_code
    }
    $said.stdout
}

# A word as a POSIX shell takes it.
def quoted [word: string]: nothing -> string {
    let inside = $word | str replace --all "'" "'\\''"
    $"'($inside)'"
}

# The exit code of a verdict and its cause. What waits for its next try is work that is not done.
def code-of [verdict: string, cause: string]: nothing -> int {
    if $verdict == waiting and ($cause starts-with retry_) { return 20 }
    match $verdict {
        finished => 0
        running | unsupervised | waiting | launching => 10
        failed | crashed | killed | vanished | never_started | limited => 20
        conflict | needs_human | orphaned | stalled => 30
        _ => 69
    }
}

# Decides what became of a run whose monitor has died.
#
# Exit code: 0 verified success, 10 still running, 20 verified incomplete, 30 a person is needed or the sources
# contradict each other, 69 unknown; 66 no such run; other codes are those of probe and reconcile.
@example "what would be done" { nu scripts/fallback.nu lead --story 1-3 }
def main [
    subject: string          # the run, or its agent
    --story: string          # the story that it works on: its file is read, and its line in the sprint file
    --sprint: path           # that sprint file, where it does not stand in its usual place
    --target: string         # the status that its step leads to
    --baseline: string       # the status that it had when the step began
    --session: string        # the tmux session of the monitor
    --socket: string         # the tmux server's socket: a name or a path
    --output: path           # the file that the monitor should write
    --apply                  # repair what the verdict asks for; without it only the plan is printed
    --evidence               # print the evidence too, before the verdict
] {
    if $sprint != null and $story == null {
        print --stderr 'fallback.nu: --sprint needs --story: which line of it?'
        exit 2
    }
    let about = [--for $subject]
    mut seen = ''
    if $session != null {
        let where = if $socket == null { [] } else { [--socket $socket] }
        $seen += (look probe tmux $session ...$where ...$about)
    }
    if $output != null { $seen += (look probe output $output ...$about) }
    if $story != null {
        let file = if $sprint == null { [] } else { [--file $sprint] }
        let target = if $target == null { [] } else { [--target $target] }
        let status = $target ++ (if $baseline == null { [] } else { [--baseline $baseline] })
        $seen += (look probe story $story ...$status ...$about)
        $seen += (look probe sprint $story ...$file ...$status ...$about)
    }
    $seen += (look probe run $subject)
    if $evidence {
        $seen | lines | where ($it | from json).type == evidence | each { print $in }
    }
    let how = if $apply { [--apply] } else { [] }
    let decided = $seen | ^reconcile - ...$how | complete
    print --stderr --no-newline $decided.stderr
    if $decided.exit_code != 0 { exit $decided.exit_code }
    let verdict = $decided.stdout | lines | where ($it | from json).type == verdict | get --optional 0
    if $verdict == null {
        print --stderr $'fallback.nu: no verdict on ($subject)'
        exit 69
    }
    print $verdict
    let record = $verdict | from json
    print --stderr $'fallback.nu: ($record.run) of ($record.agent): ($record.verdict) (char lparen)($record.cause)(char rparen)'
    if ($record.command | is-not-empty) {
        print --stderr $"hint: ($record.command | each {|word| quoted $word } | str join ' ')"
    }
    exit (code-of $record.verdict $record.cause)
}
