------------------------------- MODULE Joining -------------------------------
\* An instrument changes slice: it joins the new one, its rows there marked `overlap`; the new owner reports it streaming; it
\* leaves the old one; the mark goes once the old slice's owner reports the generation without it, or is fenced by another's
\* claim. The operator, and anybody's way to the API server, may stop between any two steps: nothing has to come next.
\* `Without` names rules that are left out: each left out has to give a counter-example (models.ts).
EXTENDS Naturals, FiniteSets
CONSTANTS MaxTick, Without

VARIABLES tick,
          fresh,  \* the new slice: [has, joining]
          stale,  \* the old slice: [has, epoch]
          taker,  \* the new slice's owner: [has, joining, streams, streaming]
          giver,  \* the old slice's owners by epoch: [has, knows]; the second is there once it was taken over
          fence,  \* the newest epoch of the old slice that has claimed
          sent    \* [old, new, marked]: ticks that arrived by either slice; by the new one marked
vars == <<tick, fresh, stale, taker, giver, fence, sent>>

Rule(name) == name \notin Without

Init == /\ tick = 0
        /\ fresh = [has |-> FALSE, joining |-> FALSE]
        /\ stale = [has |-> TRUE, epoch |-> 1]
        /\ taker = [has |-> FALSE, joining |-> FALSE, streams |-> FALSE, streaming |-> FALSE]
        /\ giver = [e \in 1..2 |-> [has |-> TRUE, knows |-> FALSE, up |-> e = 1]]
        /\ fence = 1
        /\ sent = [old |-> {}, new |-> {}, marked |-> {}]

\* Who streams the instrument gets the tick, and the sink takes it of the newest claim only.
Tick == /\ tick < MaxTick /\ tick' = tick + 1
        /\ sent' = [old |-> IF \E e \in 1..2 : giver[e].up /\ giver[e].has /\ (e = fence \/ ~Rule("the claim fences"))
                            THEN sent.old \cup {tick + 1} ELSE sent.old,
                    new |-> IF taker.streams THEN sent.new \cup {tick + 1} ELSE sent.new,
                    marked |-> IF taker.streams /\ taker.joining THEN sent.marked \cup {tick + 1} ELSE sent.marked]
        /\ UNCHANGED <<fresh, stale, taker, giver, fence>>

\* The operator, one write at a time.
Join == /\ ~fresh.has /\ fresh' = [has |-> TRUE, joining |-> Rule("it joins marked")]
        /\ UNCHANGED <<tick, stale, taker, giver, fence, sent>>
Leave == /\ fresh.has /\ stale.has /\ (taker.streaming \/ ~Rule("it streams before it leaves"))
        /\ stale' = [stale EXCEPT !.has = FALSE]
        /\ UNCHANGED <<tick, fresh, taker, giver, fence, sent>>
EndJoining == /\ fresh.joining /\ ~stale.has /\ (giver[fence].knows \/ ~Rule("it has left before the mark goes"))
        /\ fresh' = [fresh EXCEPT !.joining = FALSE]
        /\ UNCHANGED <<tick, stale, taker, giver, fence, sent>>
TakeOver == /\ stale.epoch = 1 /\ stale' = [stale EXCEPT !.epoch = 2]
        /\ UNCHANGED <<tick, fresh, taker, giver, fence, sent>>

\* The new owner: sees, subscribes, has it confirmed, says so.
TakerWatches == /\ (taker.has # fresh.has \/ taker.joining # fresh.joining)
        /\ taker' = [taker EXCEPT !.has = fresh.has, !.joining = fresh.joining]
        /\ UNCHANGED <<tick, fresh, stale, giver, fence, sent>>
TakerStreams == /\ taker.has /\ ~taker.streams /\ taker' = [taker EXCEPT !.streams = TRUE]
        /\ UNCHANGED <<tick, fresh, stale, giver, fence, sent>>
TakerReports == /\ taker.streams /\ ~taker.streaming /\ taker' = [taker EXCEPT !.streaming = TRUE]
        /\ UNCHANGED <<tick, fresh, stale, giver, fence, sent>>

\* The old slice's owner: sees that it is gone, unsubscribes, says so; or another takes over and claims.
GiverWatches(e) == /\ giver[e].up /\ giver[e].has /\ ~stale.has /\ stale.epoch = e
        /\ giver' = [giver EXCEPT ![e].has = FALSE]
        /\ UNCHANGED <<tick, fresh, stale, taker, fence, sent>>
GiverReports(e) == /\ giver[e].up /\ ~giver[e].has /\ ~giver[e].knows /\ giver' = [giver EXCEPT ![e].knows = TRUE]
        /\ UNCHANGED <<tick, fresh, stale, taker, fence, sent>>
\* It goes on with the slice as it is when it is named.
Claims == /\ stale.epoch = 2 /\ fence = 1 /\ fence' = 2
        /\ giver' = [giver EXCEPT ![2] = [has |-> stale.has, knows |-> FALSE, up |-> TRUE]]
        /\ UNCHANGED <<tick, fresh, stale, taker, sent>>

Next == \/ Tick \/ Join \/ Leave \/ EndJoining \/ TakeOver \/ TakerWatches \/ TakerStreams \/ TakerReports \/ Claims
        \/ \E e \in 1..2 : GiverWatches(e) \/ GiverReports(e)
Fairness == /\ WF_vars(Tick) /\ WF_vars(Join) /\ WF_vars(Leave) /\ WF_vars(EndJoining) /\ WF_vars(TakerWatches)
        /\ WF_vars(TakerStreams) /\ WF_vars(TakerReports) /\ WF_vars(Claims)
        /\ \A e \in 1..2 : WF_vars(GiverWatches(e)) /\ WF_vars(GiverReports(e))
Spec == Init /\ [][Next]_vars /\ Fairness

\* Wherever it stops, each tick arrives by one slice or the other.
NothingMissed == 1..tick \subseteq sent.old \cup sent.new
\* What arrives by both is marked.
RepeatsMarked == sent.old \cap sent.new \subseteq sent.marked
\* In the end only the new slice streams it, unmarked.
Moved == <>[](~giver[fence].has /\ taker.streams /\ ~taker.joining)
==============================================================================
