------------------------------ MODULE Ownership ------------------------------
\* Who may deliver the ticks of one slice (docs/architecture.md, "Ownership: settled at the sink"). A shard is a pod: name
\* and UID. The operator names an owner and raises the epoch; a shard that finds itself named connects, then claims at the
\* sink; the former owner goes on until the sink refuses it. Leases only tell the operator when to suspect a death, so
\* here it may suspect anybody at any time. The standby's mark and its echo are `since` and `upto`.
\* `Without` names rules that are left out: each left out has to give a counter-example (models.ts).
EXTENDS Naturals, Sequences, FiniteSets
CONSTANTS Shards, MaxTick, MaxEpoch, MaxCrashes, MaxOutages, MaxLost, MaxRollbacks,
          Buffer,     \* ticks that a shard holds for the sink, and a standby at all; beyond, the oldest go
          Spare,      \* whether the account has a connection to spare: the broker lets two shards in
          Suspicion, Without

VARIABLES tick,    \* the newest tick that the broker has sent
          slice,   \* the API object: [owner, next, epoch, closing]
          proc,    \* each shard's process
          sink,    \* [up, token, live, late, upto]: accepted in order; come late; the newest tick that a call spoke for
          replica, \* the sink's state that a failover falls back to
          reach,   \* who reaches the API server
          seen,    \* what is looked at from outside: [heard, told, granted, twice, reader, taken]
          spent    \* faults so far: [crashes, outages, lost, rollbacks]
vars == <<tick, slice, proc, sink, replica, reach, seen, spent>>

Rule(name) == name \notin Without
None == "none"
NoToken == <<0, 0>>
Older(a, b) == a[1] < b[1] \/ (a[1] = b[1] /\ a[2] < b[2])
Max(S) == IF S = {} THEN 0 ELSE CHOOSE x \in S : \A y \in S : x >= y
Min(S) == CHOOSE x \in S : \A y \in S : x <= y
Written == {sink.live[i] : i \in 1..Len(sink.live)}
Accepted == {w[2] : w \in Written}
Arrived == Accepted \cup {w[2] : w \in sink.late}

\* named: the newest epoch in which it saw itself named. refused: the newest epoch in which the sink turned it away.
\* above: the newest token that it remembers. since: the newest tick that what it holds as a standby does not reach back to.
\* got: ticks held as a standby. out: sealed, not yet answered, each with its token. dropped: for want of room, not told yet.
Fresh(view, s) == [up |-> TRUE, view |-> view, conn |-> FALSE, token |-> NoToken, above |-> NoToken, got |-> {}, out |-> {},
                   dropped |-> {}, refused |-> 0, since |-> 0, named |-> IF view.owner = s THEN view.epoch ELSE 0]

Init == /\ tick = 0
        /\ slice \in {[owner |-> s, next |-> None, epoch |-> 1, closing |-> FALSE] : s \in Shards}
        /\ proc = [s \in Shards |-> [Fresh(slice, s) EXCEPT !.conn = (slice.owner = s)]]   \* it streams already
        /\ sink = [up |-> TRUE, token |-> NoToken, live |-> <<>>, late |-> {}, upto |-> 0]
        /\ replica = sink
        /\ reach = [x \in Shards \cup {"operator"} |-> TRUE]
        /\ seen = [heard |-> {}, told |-> {}, granted |-> {}, twice |-> FALSE, reader |-> NoToken, taken |-> <<>>]
        /\ spent = [crashes |-> 0, outages |-> 0, lost |-> 0, rollbacks |-> 0]

\* Another may be named by now: only the sink ends the right.
Owns(s) == proc[s].named > proc[s].refused /\ (Rule("until refused") \/ proc[s].view.owner = s)
Warms(s) == proc[s].view.next = s
\* It holds all that the sink lacks.
Warm(s) == proc[s].up /\ proc[s].conn /\ Warms(s) /\ (Rule("warm") => proc[s].since <= sink.upto)

Sealed(p, t) ==
  LET out == p.out \cup {<<IF p.token[1] = p.named THEN p.token ELSE <<p.named, 0>>, t>>}
      oldest == CHOOSE o \in out : \A q \in out : o[2] <= q[2] IN
  IF Cardinality(out) <= Buffer THEN [p EXCEPT !.out = out]
  ELSE [p EXCEPT !.out = out \ {oldest}, !.dropped = IF Rule("drops are told") THEN @ \cup {oldest[2]} ELSE @]
Kept(p, t) ==
  LET got == p.got \cup {t} IN
  IF Cardinality(got) <= Buffer THEN [p EXCEPT !.got = got]
  ELSE [p EXCEPT !.got = got \ {Min(got)}, !.since = IF Rule("warm while it reaches back") THEN Min(got) ELSE @]

Tick == /\ tick < MaxTick /\ tick' = tick + 1
        /\ proc' = [s \in Shards |-> LET p == proc[s] IN
             IF ~(p.up /\ p.conn) THEN p ELSE IF Owns(s) THEN Sealed(p, tick + 1) ELSE Kept(p, tick + 1)]
        /\ seen' = [seen EXCEPT !.heard = IF \E s \in Shards : proc[s].up /\ proc[s].conn /\ Owns(s) THEN @ \cup {tick + 1} ELSE @]
        /\ UNCHANGED <<slice, sink, replica, reach, spent>>

\* Where there is no connection for both, the one that sees another named closes its own first.
Watch(s) == LET p == proc[s] IN
        /\ p.up /\ reach[s] /\ p.view # slice
        /\ LET named == IF slice.owner = s THEN slice.epoch ELSE p.named
               needed == (named > p.refused /\ (Rule("until refused") \/ slice.owner = s)) \/ slice.next = s
               yields == slice.closing /\ slice.owner # s /\ Rule("close first") IN
           proc' = [proc EXCEPT ![s].view = slice, ![s].named = named, ![s].conn = @ /\ needed /\ ~yields,
                                ![s].got = IF needed THEN @ ELSE {}]
        /\ UNCHANGED <<tick, slice, sink, replica, reach, seen, spent>>

Connect(s) == /\ proc[s].up /\ ~proc[s].conn /\ (Owns(s) \/ Warms(s))
        /\ ~(proc[s].view.closing /\ proc[s].view.owner # s)
        /\ (Spare \/ \A r \in Shards : ~proc[r].conn)
        /\ proc' = [proc EXCEPT ![s].conn = TRUE, ![s].since = tick]
        /\ UNCHANGED <<tick, slice, sink, replica, reach, seen, spent>>

Refuse(s, p) == [p EXCEPT !.refused = p.named, !.token = NoToken, !.conn = @ /\ p.view.next = s,
                          !.got = IF p.view.next = s THEN @ ELSE {}]

\* The sink answers with what it accepted last; the new owner takes up from there what it holds. One that has begun to claim
\* goes on though it closes its connection: else it would never hear that it is refused, and never let go of what it holds.
Claim(s) == LET p == proc[s] IN
        /\ p.up /\ (p.conn \/ \E o \in p.out : o[1][1] = p.named) /\ sink.up /\ Owns(s) /\ p.token[1] < p.named
        /\ IF p.named < sink.token[1] /\ Rule("fence")
           THEN /\ proc' = [proc EXCEPT ![s] = Refuse(s, p)]
                /\ UNCHANGED <<sink, seen, spent>>
           ELSE LET above == IF p.above[1] = p.named /\ Rule("claims are remembered") THEN p.above[2] ELSE 0
                    counted == IF sink.token[1] = p.named THEN sink.token[2] ELSE 0
                    token == <<p.named, Max({above, counted}) + 1>>
                    last == Max(Accepted)
                    held == p.got \cup {o[2] : o \in p.out} IN
                /\ sink' = [sink EXCEPT !.token = token]
                /\ seen' = [seen EXCEPT !.granted = @ \cup {token}, !.twice = @ \/ token \in seen.granted]
                /\ \/ /\ proc' = [proc EXCEPT ![s].token = token, ![s].above = token, ![s].got = {},
                           ![s].out = {<<token, t>> : t \in {t \in held : t > last}} \cup {o \in p.out : o[2] <= last}]
                      /\ UNCHANGED spent
                   \/ /\ spent.lost < MaxLost /\ spent' = [spent EXCEPT !.lost = @ + 1]   \* the answer is lost
                      /\ UNCHANGED proc
        /\ UNCHANGED <<tick, slice, replica, reach>>

Mine(p) == {o \in p.out : o[1] = p.token}
MayWrite(s, p) == p.up /\ sink.up /\ Owns(s) /\ p.token[1] = p.named
                  /\ IF Rule("fence") THEN p.token = sink.token ELSE p.token # NoToken

\* Oldest first, under its own claim; a shard that has a claim to make makes it first. What was accepted already is not
\* written again. A reader drops what is of an older token than it has seen.
Send(s) == LET p == proc[s] IN
        /\ MayWrite(s, p)
        /\ \E o \in Mine(p) : /\ \A q \in Mine(p) : o[2] <= q[2]
             /\ LET already == o \in Written /\ Rule("a call is written once")
                    stale == Older(o[1], seen.reader) IN
                /\ sink' = IF already THEN sink ELSE [sink EXCEPT !.live = Append(@, o), !.upto = Max({@, o[2]})]
                /\ seen' = IF already THEN seen
                           ELSE [seen EXCEPT !.told = @ \cup p.dropped,
                                             !.reader = IF stale THEN @ ELSE o[1],
                                             !.taken = IF stale THEN @ ELSE Append(@, o[2])]
             /\ \/ /\ proc' = [proc EXCEPT ![s].out = @ \ {o}, ![s].dropped = {}]
                   /\ UNCHANGED spent
                \/ /\ spent.lost < MaxLost /\ spent' = [spent EXCEPT !.lost = @ + 1]   \* the answer is lost
                   /\ UNCHANGED proc
        /\ UNCHANGED <<tick, slice, replica, reach>>

\* With nothing to send the owner says so.
Heartbeat(s) == LET p == proc[s] IN
        /\ MayWrite(s, p) /\ p.conn /\ sink.upto < tick /\ Mine(p) = {}
        /\ sink' = [sink EXCEPT !.upto = tick]
        /\ UNCHANGED <<tick, slice, proc, replica, reach, seen, spent>>

\* A batch, or a heartbeat when it has none, is turned away: the sink knows a newer claim.
Deposed(s) == LET p == proc[s] IN
        /\ p.up /\ sink.up /\ Owns(s) /\ p.token[1] = p.named /\ Older(p.token, sink.token) /\ Rule("fence")
        /\ proc' = [proc EXCEPT ![s] = Refuse(s, p)]
        /\ UNCHANGED <<tick, slice, sink, replica, reach, seen, spent>>

\* The sink fell back to a state that does not know the claim: it is claimed anew, above all that is remembered.
ClaimFirst(s) == LET p == proc[s] IN
        /\ p.up /\ sink.up /\ Owns(s) /\ p.token[1] = p.named /\ Older(sink.token, p.token)
        /\ proc' = [proc EXCEPT ![s] = IF Rule("claim first") THEN [p EXCEPT !.token = NoToken] ELSE Refuse(s, p)]
        /\ UNCHANGED <<tick, slice, sink, replica, reach, seen, spent>>

\* What an older claim sealed is kept as late, once, save what a standby may yet deliver live.
Late(s) == LET p == proc[s] IN
        /\ p.up /\ sink.up
        /\ \E o \in p.out : /\ Older(o[1], sink.token) /\ (~Owns(s) \/ p.token = sink.token)
             /\ ((Warms(s) /\ Rule("a standby keeps what it may deliver")) => o[2] <= Max(Accepted))
             /\ sink' = [sink EXCEPT !.late = IF o \in Written /\ Rule("late only what is not live") THEN @ ELSE @ \cup {o}]
             /\ seen' = [seen EXCEPT !.told = @ \cup p.dropped]
             /\ proc' = [proc EXCEPT ![s].out = @ \ {o}, ![s].dropped = {}]
        /\ UNCHANGED <<tick, slice, replica, reach, spent>>

\* The operator's writes carry the resourceVersion that it read, so each is one step.
Claimed == Rule("one handover at a time") => proc[slice.owner].token[1] = slice.epoch
Name(s) == slice' = [owner |-> s, next |-> None, epoch |-> slice.epoch + 1, closing |-> ~Spare]
Others == Shards \ {slice.owner}   \* it may have died, and the operator not know yet
Prepare == /\ reach["operator"] /\ Spare /\ slice.next = None /\ slice.epoch < MaxEpoch /\ Claimed
        /\ \E s \in Others : slice' = [slice EXCEPT !.next = s]
        /\ UNCHANGED <<tick, proc, sink, replica, reach, seen, spent>>
Promote == /\ reach["operator"] /\ slice.next # None /\ Warm(slice.next) /\ Name(slice.next)
        /\ UNCHANGED <<tick, proc, sink, replica, reach, seen, spent>>
\* A standby that doesn't get warm is given up (not for ever, lest the model go round and round).
Cancel == /\ tick < MaxTick /\ reach["operator"] /\ slice.next # None /\ slice' = [slice EXCEPT !.next = None]
        /\ UNCHANGED <<tick, proc, sink, replica, reach, seen, spent>>
\* A planned move without a connection to spare.
CloseFirst == /\ reach["operator"] /\ ~Spare /\ slice.epoch < MaxEpoch /\ Claimed /\ \E s \in Others : Name(s)
        /\ UNCHANGED <<tick, proc, sink, replica, reach, seen, spent>>
TakeOver == /\ reach["operator"] /\ slice.epoch < MaxEpoch /\ (Suspicion \/ ~proc[slice.owner].up) /\ \E s \in Others : Name(s)
        /\ UNCHANGED <<tick, proc, sink, replica, reach, seen, spent>>

Crash(s) == /\ spent.crashes < MaxCrashes /\ proc[s].up /\ spent' = [spent EXCEPT !.crashes = @ + 1]
        /\ proc' = [proc EXCEPT ![s] = [Fresh(@.view, s) EXCEPT !.up = FALSE]]
        /\ UNCHANGED <<tick, slice, sink, replica, reach, seen>>
Restart(s) == /\ ~proc[s].up /\ proc' = [proc EXCEPT ![s] = Fresh(@.view, s)]   \* its last known view may be old
        /\ UNCHANGED <<tick, slice, sink, replica, reach, seen, spent>>
LoseApi(x) == /\ spent.outages < MaxOutages /\ reach[x] /\ spent' = [spent EXCEPT !.outages = @ + 1]
        /\ reach' = [reach EXCEPT ![x] = FALSE] /\ UNCHANGED <<tick, slice, proc, sink, replica, seen>>
FindApi(x) == /\ ~reach[x] /\ reach' = [reach EXCEPT ![x] = TRUE]
        /\ UNCHANGED <<tick, slice, proc, sink, replica, seen, spent>>
LoseSink == /\ spent.outages < MaxOutages /\ sink.up /\ spent' = [spent EXCEPT !.outages = @ + 1]
        /\ sink' = [sink EXCEPT !.up = FALSE] /\ UNCHANGED <<tick, slice, proc, replica, reach, seen>>
FindSink == /\ ~sink.up /\ sink' = [sink EXCEPT !.up = TRUE]
        /\ UNCHANGED <<tick, slice, proc, replica, reach, seen, spent>>
Replicate == /\ spent.rollbacks < MaxRollbacks /\ replica # sink /\ replica' = sink
        /\ UNCHANGED <<tick, slice, proc, sink, reach, seen, spent>>
FailOver == /\ spent.rollbacks < MaxRollbacks /\ replica # sink /\ spent' = [spent EXCEPT !.rollbacks = @ + 1]
        /\ sink' = replica /\ UNCHANGED <<tick, slice, proc, replica, reach, seen>>

Next == \/ Tick \/ Prepare \/ Promote \/ Cancel \/ CloseFirst \/ TakeOver \/ LoseSink \/ FindSink \/ Replicate \/ FailOver
        \/ \E s \in Shards : \/ Watch(s) \/ Connect(s) \/ Claim(s) \/ Send(s) \/ Heartbeat(s) \/ Deposed(s) \/ ClaimFirst(s)
                             \/ Late(s) \/ Crash(s) \/ Restart(s)
        \/ \E x \in Shards \cup {"operator"} : LoseApi(x) \/ FindApi(x)

Fairness == /\ WF_vars(Tick) /\ WF_vars(FindSink) /\ WF_vars(Promote)
        /\ \A s \in Shards : /\ WF_vars(Watch(s)) /\ WF_vars(Connect(s)) /\ WF_vars(Claim(s)) /\ WF_vars(Send(s)) /\ WF_vars(Heartbeat(s))
                             /\ WF_vars(Deposed(s)) /\ WF_vars(ClaimFirst(s)) /\ WF_vars(Late(s)) /\ WF_vars(Restart(s))
        /\ \A x \in Shards \cup {"operator"} : WF_vars(FindApi(x))
Spec == Init /\ [][Next]_vars /\ Fairness

Rising(list) == \A i \in 1..Len(list) - 1 : list[i] < list[i + 1]
\* What is accepted live is in order and without a repeat, whoever sent it; and so is what a reader takes.
InOrder == Rising([i \in 1..Len(sink.live) |-> sink.live[i][2]])
ReaderInOrder == Rising(seen.taken)
\* Nothing is both live and late.
Once == Written \cap sink.late = {}
\* A token is given once, whatever the sink forgets.
TokensOnce == ~seen.twice
\* Without a crash nothing is lost: through every outage, move and false suspicion, each tick arrives, live or late.
Delivered == <>(1..MaxTick \subseteq Arrived)
\* What an owner received arrives, or is told to be missing.
Accounted == <>[](seen.heard \subseteq Arrived \cup seen.told)
\* Planned moves alone are seamless: each tick arrives live.
Seamless == <>(1..MaxTick \subseteq Accepted)
\* In the end the named shard streams, nobody else does, and nothing waits.
Settled == <>[](\A s \in Shards : proc[s].up => proc[s].out = {} /\ (proc[s].conn <=> s \in {slice.owner, slice.next}))
==============================================================================
