//! What stands in the way of the marks that are hard to reach, for the readers of the report: it
//! was found with a profiler, and by trying what did not help either.

/// For the end of the report. Its figures are counts of instructions and proportions, and those
/// of the time of writing; what a mark measures now is in the tables.
pub(crate) const LIMITS: &str = "\
### What stands in the way

**16 B on raw TCP.** The kernel takes two thirds of the floor’s time, so a mark near the floor \
leaves room for little more than the floor’s own loop and copy, which are 42 instructions per \
event. `sse.send(text)` in a loop takes 145: each event takes the lock of the buffer, which is \
uncontended, and is an operation that may be suspended. `sse.send_all(texts)` takes 79, as the lock \
is taken once for as many events as there is room for; a burst is written with it. A buffer that \
was lent to the thread of the handler, so that `send` took no lock, came to 99; it needed a \
thread-local, a second way to write short text and a rule of its own for the order of events, and \
was removed. What did not help: two writes of a fixed size into a `BytesMut`, or one of a template \
that is then overwritten (16 % fewer instructions to encode, more stores, no less time); inlining \
all of it by force; a buffer that is kept zeroed for every kind of event (an event with a name and \
an id a fifth slower); gathering the event on the stack first (the copy then waits for bytes that \
were only just stored). The floor’s texts are known to be free of line breaks; a server that sends \
text of others must check it.

**The size of a write** matters more than the instructions. The kernel makes one segment of up to \
64 KiB, its headers included; a buffer of just 64 KiB makes a second, tiny one, which is sent, \
received and acknowledged as the large one is. So our buffer’s mark is 60 KiB. The floor has 64 \
KiB, as it was set; “floor, 60 KiB” is what it would be. Smaller blocks cost more (1.1 times as \
much at 40 KiB, 1.5 times at 16 KiB), larger ones gain little, and a slow client holds them.

**One event at a time** is the kernel’s: a datagram received, a task woken, a write. The floor, \
which does nothing else, comes to within a few percent of everybody, and of the instructions per \
event in user mode 7,600 are the floor’s; axum takes 11,100. Ours took 11,100 on hyper, which asks \
the body again after each piece, and once more when it is written: each time, the handler was \
polled in vain. A stream has a waker of its own now and knows whether there was a reason to poll \
it: 9,600. Before, two locks instead of four in each poll, no notification \
of senders that wait for room where there are none, and a waker that is kept had made 100 of a \
difference. On raw TCP it is 7,700, on \
actix 12,100.

**Streams that come and go** on raw TCP take fewer instructions than in axum (37,000 against \
52,000), but more of the kernel: the server closes first (`connection: close`), and a client that \
only closed its sending side must be told from one that is gone, which takes two more writes.

**Ten thousand streams** cost no more work per event than a hundred, but more time. In user mode \
it is 4,430 to 4,500 instructions for the floor and 5,090 to 5,220 for sse-tokio-tcp with either, \
and in the kernel one write, and two segments: the event and its acknowledgement. The timers are \
not touched, and the server sleeps once per tick. What grows is the time that memory takes. \
Simulated with this processor’s nearer caches (48 KiB and 1 MiB), an event of the floor finds \
everything there with 100 streams, and misses 13 lines with 10,000; one of sse-tokio-tcp misses \
24. Yet most of the growth is the kernel’s. Going by a profiler, with all streams ticked at once, \
the floor went from 3.9 to 7.7 µs, 3.1 of them in the kernel and 0.7 in user mode, and \
sse-tokio-tcp from 4.2 to 8.1, 2.7 in the kernel and 1.2 in user mode. The kernel’s part is \
wherever a socket is touched first: the descriptor, the table of connections, the lock, the state, \
the wake-up of the reader. Without any growth of ours, 164 % would have been left, so no server \
that writes to sockets reaches 110 % here.

What was tried, in the same way: huge pages for the heap (1 % for the floor, nothing for us), \
looking for new input after 1,009 tasks instead of 61 (nothing), and waking a hundred streams at a \
time. That takes off 0.8 of 8.6 µs, for the floor as for us: a tick for 10,000 overflows the \
worker’s queue of 256 tasks, and what was read to wake a task has left the caches when the task \
runs. With a hundred streams a tick wakes a hundred, so to wake as many of ten thousand in turn is \
the fairer comparison, and what the table shows. Busy polling has nothing to gain from a server \
that never waits. Fewer lines per stream would gain little: with the floor’s 13, which do nothing \
but what must be done, sse-tokio-tcp would save 0.4 of its 8.1 µs.

Much of the rest comes from the loopback, on which the kernel does the receiver’s half too in the \
server’s time, and with it touches a second socket for each stream: a third of all time. In a \
network namespace of its own with receive packet steering, which leaves that half to the load \
generator’s core, ten thousand streams cost the floor 4.8 µs per event instead of 8.2, and \
sse-tokio-tcp 6.0 instead of 9.1; a hundred in turn, 4.1 and 4.9. That is 74 % to 116 % of what a \
hundred streams cost in that setting. It flatters, for with few streams each event interrupts the \
other core, and so it is not the table’s; but it says what a server pays whose clients are \
elsewhere.

What is sent on one stream costs less per event the more there is.";
