-- The state file of refloat. Times are milliseconds since 1970 UTC; ticks are milliseconds of
-- CLOCK_MONOTONIC since boot; identities, limits and descriptions are JSON.
-- The words of every CHECK are those of src/model/; a test holds them together.

-- What belongs to a name and not to one of its runs.
CREATE TABLE agent (
    name TEXT NOT NULL PRIMARY KEY,
    stops INTEGER NOT NULL DEFAULT 0, -- goes up with each `turn stop`
    lifted INTEGER NOT NULL DEFAULT 0 -- so many of them a later turn with a prompt has lifted
) STRICT, WITHOUT ROWID;

-- One piece of work given to an agent; at most one is open per agent.
CREATE TABLE run (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    agent TEXT NOT NULL,
    task TEXT,
    parent TEXT,
    capability TEXT NOT NULL CHECK (capability IN (
        'none', 'builder', 'scout', 'reviewer', 'lead', 'merger', 'coordinator'
    )),
    state TEXT NOT NULL CHECK (state IN (
        'booting', 'in_turn', 'between_turns', 'waiting', 'blocked', 'completed', 'failed',
        'crashed', 'timed_out', 'stopped'
    )),
    hold TEXT CHECK (hold IN (
        'limited', 'needs_human', 'backoff', 'awaiting'
    )),
    held_until INTEGER,
    held_by_provider INTEGER NOT NULL DEFAULT 0 CHECK (held_by_provider IN (0, 1)),
    epoch INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL,
    runtime TEXT,
    session TEXT,
    terminal_mail_missing INTEGER NOT NULL DEFAULT 0 CHECK (terminal_mail_missing IN (0, 1)),
    opened_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    ended_at INTEGER,
    CHECK ((ended_at IS NOT NULL) = (state IN ('completed', 'failed', 'crashed', 'timed_out', 'stopped')))
) STRICT;

CREATE UNIQUE INDEX run_open ON run (agent) WHERE ended_at IS NULL;

CREATE INDEX run_open_children ON run (parent) WHERE ended_at IS NULL;

CREATE INDEX run_of_agent ON run (agent, id);

CREATE INDEX run_of_task ON run (task, id) WHERE task IS NOT NULL;

CREATE INDEX run_of_parent ON run (parent, id) WHERE parent IS NOT NULL;

-- One process started for a run; at most one is open per agent.
CREATE TABLE turn (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL REFERENCES run (id),
    agent TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    token TEXT NOT NULL,
    description TEXT NOT NULL CHECK (json_valid(description)), -- the runtime, as used
    command TEXT NOT NULL CHECK (json_valid(command)),
    command_lossy INTEGER NOT NULL CHECK (command_lossy IN (0, 1)), -- not UTF-8: the text stands for it
    cwd TEXT NOT NULL,
    cwd_lossy INTEGER NOT NULL CHECK (cwd_lossy IN (0, 1)),
    limits TEXT NOT NULL CHECK (json_valid(limits)),
    deadline_ms INTEGER NOT NULL,
    session_asked TEXT,
    resume TEXT NOT NULL CHECK (resume IN (
        'fresh', 'same', 'mismatch', 'refused'
    )),
    contained_by TEXT NOT NULL CHECK (contained_by IN (
        'cgroup', 'subreaper'
    )),
    cgroup TEXT,
    last_mail INTEGER NOT NULL, -- the newest mail when it began: what counts for it is newer
    supervisor TEXT NOT NULL CHECK (json_valid(supervisor)),
    shim TEXT CHECK (shim IS NULL OR json_valid(shim)),
    child TEXT CHECK (child IS NULL OR json_valid(child)),
    before TEXT NOT NULL CHECK (json_valid(before)), -- where the run stood when it began
    booted_at INTEGER NOT NULL,
    started_at INTEGER,
    started_tick INTEGER,
    wish TEXT CHECK (wish IN (
        'operator', 'interrupt', 'first_event', 'stall', 'stall_tool', 'grace'
    )),
    wish_signal INTEGER,
    wish_why TEXT,
    wish_at INTEGER,
    events INTEGER NOT NULL DEFAULT 0,
    ignored_lines INTEGER NOT NULL DEFAULT 0,
    progress_tick INTEGER,
    read_bytes INTEGER NOT NULL DEFAULT 0,
    outcome TEXT CHECK (outcome IN (
        'completed', 'waiting', 'silent', 'failed', 'no_result', 'limited', 'auth', 'stalled',
        'timed_out', 'aborted', 'killed', 'lost', 'resume_refused', 'never_started',
        'spawn_failed', 'fenced', 'empty'
    )),
    ended_at INTEGER,
    ended TEXT CHECK (ended IS NULL OR json_valid(ended)), -- the turn.ended record
    stalled_at INTEGER, -- when the silence that lasts was told
    stalled_phase TEXT CHECK (stalled_phase IN (
        'starting', 'model', 'tool', 'ending'
    )),
    yielded TEXT CHECK (yielded IS NULL OR json_valid(yielded)), -- the agent's word that it ends on purpose and waits
    again TEXT NOT NULL CHECK (json_valid(again)), -- by which words it is run once more
    UNIQUE (run, epoch),
    CHECK ((outcome IS NULL) = (ended_at IS NULL) AND (outcome IS NULL) = (ended IS NULL)),
    CHECK ((stalled_at IS NULL) = (stalled_phase IS NULL))
) STRICT;

CREATE UNIQUE INDEX turn_open ON turn (agent) WHERE outcome IS NULL;

CREATE INDEX turn_of_agent ON turn (agent, id);

CREATE UNIQUE INDEX turn_token ON turn (token);

-- What a run owes beyond its capability's mail, and how it looked when the attempt began.
CREATE TABLE expectation (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES run (id),
    kind TEXT NOT NULL CHECK (kind IN (
        'mail', 'file', 'result', 'git', 'story', 'sprint'
    )),
    target BLOB NOT NULL, -- bytes: a path need not be UTF-8
    repository BLOB NOT NULL, -- of a git ref; of a story or sprint key the project's folder; else empty
    baseline TEXT NOT NULL CHECK (json_valid(baseline)),
    turn INTEGER REFERENCES turn (id), -- the turn at whose start the baseline was taken
    taken_at INTEGER NOT NULL,
    UNIQUE (run, kind, target, repository)
) STRICT;

-- Work that somebody else started, and that stands for a run: a process, or a tmux session. Moments are JSON.
CREATE TABLE worker (
    run INTEGER PRIMARY KEY REFERENCES run (id),
    token TEXT NOT NULL,
    process TEXT CHECK (process IS NULL OR json_valid(process)), -- of a tmux session that of its first pane
    tmux TEXT CHECK (tmux IS NULL OR json_valid(tmux)),
    log TEXT,
    adopted TEXT NOT NULL CHECK (json_valid(adopted)),
    launch_until INTEGER,
    found_at INTEGER, -- null: a session that was not there yet
    beats INTEGER NOT NULL DEFAULT 0,
    beat TEXT CHECK (beat IS NULL OR json_valid(beat)), -- the last heartbeat: a process wrote
    progress TEXT CHECK (progress IS NULL OR json_valid(progress)), -- the last heartbeat that told of progress
    progress_text TEXT,
    released_at INTEGER, -- its run went on with turns of ours
    ended TEXT CHECK (ended IS NULL OR json_valid(ended)), -- the run.ended record
    CHECK (process IS NOT NULL OR tmux IS NOT NULL)
) STRICT;

CREATE UNIQUE INDEX worker_token ON worker (token);

-- Mail between agents, and from refloat to them. The first mail of a thread, and what a mail answers, may have been purged.
CREATE TABLE mail (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    recipient_run INTEGER REFERENCES run (id), -- for this run of the recipient and no other
    sent_to TEXT, -- the group it was sent to
    kind TEXT NOT NULL CHECK (kind IN (
        'status', 'question', 'result', 'error', 'worker_done', 'worker_died', 'children_done',
        'merge_ready', 'merged', 'merge_failed', 'escalation', 'health_check', 'dispatch',
        'assign', 'decision_gate', 'steer', 'nudge'
    )),
    priority TEXT NOT NULL CHECK (priority IN (
        'low', 'normal', 'high', 'urgent'
    )),
    rank INTEGER NOT NULL GENERATED ALWAYS AS ( -- the order in which mail is claimed
        CASE priority WHEN 'urgent' THEN 0 WHEN 'high' THEN 1 WHEN 'normal' THEN 2 ELSE 3 END
    ) VIRTUAL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    payload TEXT CHECK (payload IS NULL OR json_valid(payload)),
    thread INTEGER, -- the first mail of the thread; null in that mail itself
    reply_to INTEGER,
    turn INTEGER REFERENCES turn (id),
    run INTEGER REFERENCES run (id),
    attributed_by TEXT NOT NULL CHECK (attributed_by IN (
        'turn', 'run', 'word', 'refloat'
    )),
    state TEXT NOT NULL CHECK (state IN (
        'stored', 'leased', 'acked', 'dead'
    )),
    dead_reason TEXT,
    sent_at INTEGER NOT NULL,
    deliveries INTEGER NOT NULL DEFAULT 0, -- how often it was claimed
    claim TEXT, -- the token of the newest claim, also after its end
    claimed_at INTEGER,
    lease_turn INTEGER REFERENCES turn (id), -- leased until this turn has an outcome, whatever the clock says
    acked_at INTEGER,
    -- When a lease or a delay ends: as people read it, and in milliseconds of CLOCK_BOOTTIME in that boot.
    due_at INTEGER,
    due_boot TEXT,
    due_tick INTEGER,
    -- The same for the end of its use.
    expires_at INTEGER,
    expires_boot TEXT,
    expires_tick INTEGER,
    CHECK ((state = 'dead') = (dead_reason IS NOT NULL)),
    CHECK ((state = 'acked') = (acked_at IS NOT NULL)),
    CHECK (state <> 'leased' OR (claim IS NOT NULL AND (lease_turn IS NULL) = (due_at IS NOT NULL))),
    CHECK (state = 'leased' OR lease_turn IS NULL),
    CHECK (state = 'leased' OR state = 'stored' OR due_at IS NULL),
    CHECK ((due_at IS NULL) = (due_boot IS NULL) AND (due_at IS NULL) = (due_tick IS NULL)),
    CHECK ((expires_at IS NULL) = (expires_boot IS NULL) AND (expires_at IS NULL) = (expires_tick IS NULL))
) STRICT;

-- What a claim may take, in its order.
CREATE INDEX mail_ready ON mail (recipient, rank, id) WHERE state = 'stored' AND due_at IS NULL;

-- What a clock gives back: leases and delays.
CREATE INDEX mail_due ON mail (recipient, due_boot, due_tick) WHERE due_at IS NOT NULL;

-- What is no longer to be claimed: expired, claimed too often, for a run that is over.
CREATE INDEX mail_expiring ON mail (recipient, expires_boot, expires_tick) WHERE state = 'stored' AND expires_at IS NOT NULL;

CREATE INDEX mail_tried ON mail (recipient, deliveries) WHERE state = 'stored' AND deliveries > 0;

CREATE INDEX mail_bound ON mail (recipient, recipient_run) WHERE state = 'stored' AND recipient_run IS NOT NULL;

-- Changes of course that wait for the recipient's next run.
CREATE INDEX mail_unbound ON mail (recipient)
WHERE state = 'stored' AND recipient_run IS NULL AND (kind = 'steer' OR kind = 'nudge');

CREATE INDEX mail_of_lease ON mail (lease_turn) WHERE lease_turn IS NOT NULL;

CREATE INDEX mail_of_run ON mail (run, id) WHERE run IS NOT NULL;

CREATE INDEX mail_dead ON mail (recipient_run) WHERE state = 'dead' AND recipient_run IS NOT NULL;

CREATE INDEX mail_of_turn ON mail (turn, id) WHERE turn IS NOT NULL;

-- For `mail list`: each ends in the id, which is its order.
CREATE INDEX mail_of_sender ON mail (sender);

CREATE INDEX mail_of_recipient ON mail (recipient);

CREATE INDEX mail_of_kind ON mail (kind);

CREATE INDEX mail_in_state ON mail (state);

CREATE INDEX mail_in_thread ON mail (thread) WHERE thread IS NOT NULL;

CREATE INDEX mail_sent ON mail (sent_at);

-- The one way out of a run's end: who reopened it, why, and what it was until then.
CREATE TABLE reopening (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL REFERENCES run (id),
    was TEXT NOT NULL CHECK (was IN (
        'completed', 'failed', 'crashed', 'timed_out', 'stopped'
    )),
    ended_at INTEGER NOT NULL, -- that end
    mail_missing INTEGER NOT NULL CHECK (mail_missing IN (0, 1)), -- of that end
    max_attempts INTEGER NOT NULL, -- allowed until then
    dead_letter INTEGER REFERENCES dead_letter (id), -- the one that was replayed
    asked_by TEXT NOT NULL,
    why TEXT,
    at INTEGER NOT NULL
) STRICT;

CREATE INDEX reopening_of_run ON reopening (run, id);

-- When a run may be tried again, and what became of that; at most one is open per run.
CREATE TABLE retry (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL REFERENCES run (id),
    turn INTEGER UNIQUE REFERENCES turn (id), -- the turn that failed; null: the run was reopened
    reopening INTEGER UNIQUE REFERENCES reopening (id),
    attempt INTEGER NOT NULL,
    class TEXT CHECK (class IN (
        'failed', 'no_result', 'killed', 'lost', 'spawn_failed', 'limited'
    )),
    counted INTEGER NOT NULL CHECK (counted IN (0, 1)), -- that turn used up an attempt
    due_at INTEGER NOT NULL,
    by_provider INTEGER NOT NULL CHECK (by_provider IN (0, 1)),
    in_a_row INTEGER NOT NULL, -- which pause of ours it is; 0 where the provider named the time
    since INTEGER NOT NULL, -- the first failure in a row, later by what a provider asked to wait
    state TEXT NOT NULL CHECK (state IN (
        'open', 'taken', 'cancelled'
    )),
    opened_at INTEGER NOT NULL,
    closed_at INTEGER,
    taken_by INTEGER REFERENCES turn (id),
    cancelled TEXT CHECK (cancelled IS NULL OR json_valid(cancelled)), -- by whom, when and why; null: by the run's end
    CHECK ((state = 'open') = (closed_at IS NULL) AND (state = 'taken') = (taken_by IS NOT NULL)),
    CHECK ((turn IS NULL) = (class IS NULL) AND (turn IS NULL) = (reopening IS NOT NULL)),
    CHECK (cancelled IS NULL OR state = 'cancelled')
) STRICT;

CREATE UNIQUE INDEX retry_open ON retry (run) WHERE state = 'open';

CREATE INDEX retry_of_run ON retry (run, id);

CREATE INDEX retry_due ON retry (due_at) WHERE state = 'open';

CREATE UNIQUE INDEX retry_taken_by ON retry (taken_by) WHERE taken_by IS NOT NULL;

-- Work that ran out of attempts or time, and mail that could not be delivered: evidence, not proof.
CREATE TABLE dead_letter (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER REFERENCES run (id),
    agent TEXT, -- the run's, and its task: by these a later success finds what was given up, among all that ever was
    task TEXT,
    mail INTEGER UNIQUE REFERENCES mail (id),
    attempt INTEGER,
    cause TEXT NOT NULL CHECK (cause IN (
        'max_attempts', 'max_time', 'stale_generation', 'expired', 'max_deliveries'
    )),
    attempts INTEGER NOT NULL,
    last_error TEXT,
    opened_at INTEGER NOT NULL,
    opened_by INTEGER REFERENCES turn (id),
    resolved_at INTEGER,
    resolved_by INTEGER REFERENCES turn (id),
    -- What somebody did with it: by whom, when and why.
    acknowledged TEXT CHECK (acknowledged IS NULL OR json_valid(acknowledged)),
    replayed TEXT CHECK (replayed IS NULL OR json_valid(replayed)),
    replayed_as INTEGER, -- the mail that was sent in its place; it may have been purged
    closed TEXT CHECK (closed IS NULL OR json_valid(closed)),
    CHECK ((run IS NULL) <> (mail IS NULL) AND (run IS NULL) = (attempt IS NULL) AND (run IS NULL) = (agent IS NULL)),
    CHECK (resolved_by IS NULL OR resolved_at IS NOT NULL),
    CHECK (replayed_as IS NULL OR (replayed IS NOT NULL AND mail IS NOT NULL))
) STRICT;

-- One account of one end; a run that was reopened since may end so again.
CREATE UNIQUE INDEX dead_letter_once ON dead_letter (run, attempt, cause) WHERE run IS NOT NULL AND replayed IS NULL;

CREATE INDEX dead_letter_of_run ON dead_letter (run, id) WHERE run IS NOT NULL;

-- What nobody has settled yet.
CREATE INDEX dead_letter_unsettled ON dead_letter (id)
WHERE resolved_at IS NULL AND replayed IS NULL AND closed IS NULL;

CREATE INDEX dead_letter_open ON dead_letter (agent, task) WHERE resolved_at IS NULL AND run IS NOT NULL;

CREATE INDEX dead_letter_of_turn ON dead_letter (opened_by) WHERE opened_by IS NOT NULL;

-- What crashed: an agent, by the evidence of its end, or refloat itself, by the file that it wrote.
CREATE TABLE crash (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    who TEXT NOT NULL CHECK (who IN (
        'agent', 'turn', 'shim', 'mail', 'probe', 'reconcile', 'mark', 'mark_cleanup', 'other'
    )),
    kind TEXT NOT NULL CHECK (kind IN (
        'killed', 'vanished', 'no_result', 'panic'
    )),
    message TEXT NOT NULL,
    ending TEXT CHECK (ending IS NULL OR json_valid(ending)), -- how the process ended
    tail TEXT, -- the last lines of its stderr, without secrets
    backtrace TEXT,
    version TEXT NOT NULL, -- of refloat
    process TEXT CHECK (process IS NULL OR json_valid(process)),
    agent TEXT,
    run INTEGER REFERENCES run (id),
    turn INTEGER REFERENCES turn (id),
    attempt INTEGER,
    at INTEGER NOT NULL,
    source TEXT UNIQUE -- the file in crashes/ that it was taken in from
) STRICT;

CREATE INDEX crash_of_run ON crash (run, id) WHERE run IS NOT NULL;

CREATE INDEX crash_of_agent ON crash (agent, id) WHERE agent IS NOT NULL;

CREATE INDEX crash_of_turn ON crash (turn, id) WHERE turn IS NOT NULL;

-- What was observed of a run, kept for who decides about it later: the newest look of each instrument at each subject.
CREATE TABLE evidence (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL REFERENCES run (id),
    turn INTEGER REFERENCES turn (id),
    attempt INTEGER,
    subject_kind TEXT NOT NULL CHECK (subject_kind IN (
        'process', 'server', 'session', 'pane', 'run', 'story', 'sprint', 'output', 'result',
        'lock', 'mail', 'mark', 'state', 'host'
    )),
    subject TEXT NOT NULL,
    instrument TEXT NOT NULL CHECK (instrument IN (
        'pidfd', 'file', 'flock', 'rows', 'sqlite', 'story_file', 'sprint_file', 'exit_record',
        'stream', 'clocks', 'survivors', 'baseline', 'beat', 'host', 'tmux'
    )),
    finding TEXT NOT NULL CHECK (finding IN (
        'yes', 'no', 'unknown'
    )),
    meaning TEXT NOT NULL CHECK (meaning IN (
        'alive', 'dead', 'absent', 'done', 'not_done', 'present', 'growing', 'silent',
        'damaged', 'failed', 'held', 'free', 'healthy', 'unknown'
    )),
    reason TEXT NOT NULL CHECK (reason IN (
        'identified', 'running', 'stopped', 'listed', 'no_such_process', 'pid_reused', 'zombie',
        'rebooted', 'answered', 'no_sessions', 'not_listed', 'not_found', 'pane_dead', 'no_server',
        'never_appeared', 'never_seen', 'launching', 'other_boot', 'other_namespace', 'other_host',
        'no_machine_id', 'own_identity_unknown', 'foreign_proc', 'hidden', 'no_descriptors',
        'not_supported', 'look_failed', 'restless', 'start_unknown', 'socket_replaced',
        'not_a_child', 'no_socket', 'permission_denied', 'server_exited', 'no_directory',
        'version_mismatch', 'empty_answer', 'unparsable', 'connect_failed', 'tmux_failed',
        'timeout', 'exec_failed', 'not_installed', 'readable', 'grown', 'rewritten', 'replaced',
        'appeared', 'monitor_suspect', 'empty', 'cut_off', 'bad_lines', 'being_written',
        'is_folder', 'is_fifo', 'is_socket', 'is_device', 'link_loop', 'not_of_this_attempt',
        'clock_skew', 'status_done', 'status_failed', 'status_unclear', 'no_status',
        'not_an_object', 'missing_key', 'other_value', 'locked', 'holder_unknown', 'not_locked',
        'no_lock_file', 'mail_ready', 'abandoned', 'no_mail', 'all_leased', 'not_due',
        'agent_stopped', 'agent_held', 'needs_human', 'sound', 'older_schema', 'newer_schema',
        'no_state', 'foreign', 'corrupt', 'wal_unreadable', 'wal_without_file', 'unsafe_folder',
        'shared_file_system', 'other_user', 'restoring', 'busy', 'at_target', 'other_status',
        'unchanged', 'no_file', 'no_story', 'ambiguous', 'conflict', 'empty_value', 'not_a_status',
        'unknown_status', 'no_key', 'duplicate_key', 'alias', 'no_map', 'not_yaml', 'tabs',
        'merge_marks', 'too_deep', 'too_big', 'several_documents', 'unclosed_front_matter',
        'not_text', 'not_a_file', 'changed', 'present', 'removed', 'modified', 'end_recorded',
        'no_end_recorded', 'exited', 'no_exit_record', 'terminal_event', 'no_terminal_event',
        'no_stream', 'unreadable', 'within_clock', 'over_clock', 'no_clock', 'left_behind',
        'nothing_left', 'reached', 'not_reached', 'contradicted', 'undecided', 'beaten', 'no_beat',
        'retry_due', 'retry_later', 'dead_letter_open', 'dead_letter_closed', 'crash_recorded',
        'question_open', 'children_open', 'mail_waits', 'until_reached', 'before_until', 'not_a_marker',
        'signed', 'is_link'
    )),
    detail TEXT NOT NULL CHECK (json_valid(detail)),
    observed_at INTEGER NOT NULL,
    age_ms INTEGER,
    host TEXT,
    boot_id TEXT
) STRICT;

CREATE INDEX evidence_of_run ON evidence (run, subject_kind, subject, instrument);

-- A claim that something is in progress or held back: it ends with its owner, with its time, or by a hand, and stays as the
-- account of that. Moments are JSON.
CREATE TABLE mark (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    scope BLOB NOT NULL, -- the folder it is for, canonical, as bytes: a path need not be UTF-8
    nonce TEXT NOT NULL, -- this claim, for as long as it lasts
    owner TEXT CHECK (owner IS NULL OR json_valid(owner)), -- the process it dies with
    host TEXT NOT NULL, -- the machine-id; empty where there is none
    run INTEGER REFERENCES run (id),
    turn INTEGER REFERENCES turn (id),
    bound INTEGER NOT NULL CHECK (bound IN (0, 1)), -- it ends with that turn, or with the run of an adopted worker
    set_by TEXT NOT NULL,
    first TEXT NOT NULL CHECK (json_valid(first)),
    beats INTEGER NOT NULL DEFAULT 0, -- how often it was renewed
    beat TEXT NOT NULL CHECK (json_valid(beat)), -- when that was last
    ttl_ms INTEGER, -- stale so long after that
    until INTEGER, -- stale from then on
    data TEXT CHECK (data IS NULL OR json_valid(data)),
    file BLOB, -- the marker file of another tool that it stood in; such a mark has ended from the first
    doubted TEXT CHECK (doubted IS NULL OR json_valid(doubted)), -- since when its beat is known to lie in the future
    ended_at INTEGER,
    ended_how TEXT CHECK (ended_how IN (
        'cleared', 'turn_ended', 'run_ended', 'replaced', 'cleaned', 'moved_aside'
    )),
    ended_why TEXT,
    ended_by TEXT,
    CHECK ((ended_at IS NULL) = (ended_how IS NULL) AND (ended_at IS NULL) = (ended_by IS NULL)),
    CHECK (owner IS NOT NULL OR ttl_ms IS NOT NULL OR until IS NOT NULL OR file IS NOT NULL),
    CHECK (file IS NULL OR ended_at IS NOT NULL),
    CHECK (NOT bound OR run IS NOT NULL)
) STRICT;

CREATE UNIQUE INDEX mark_named ON mark (kind, name, scope) WHERE ended_at IS NULL;

CREATE INDEX mark_standing ON mark (id) WHERE ended_at IS NULL;

CREATE INDEX mark_ended ON mark (kind) WHERE ended_at IS NOT NULL;

CREATE INDEX mark_of_turn ON mark (turn) WHERE bound AND ended_at IS NULL AND turn IS NOT NULL;

CREATE INDEX mark_of_run ON mark (run) WHERE run IS NOT NULL AND ended_at IS NULL;
