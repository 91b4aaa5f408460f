//! What stands in the way of the marks that are hard to reach, for the readers of the report: it
//! was found with a profiler, and by trying what did not help either.

/// For the end of the report. Its figures are counts of instructions and proportions, and those
/// of the time of writing; what a mark measures now is in the tables.
pub(crate) const LIMITS: &str = "\
### What stands in the way

**16 B on raw TCP.** The kernel takes two thirds of the floor’s time, so that 1.3 times the floor \
leaves room for about 85 instructions per event, of which the floor’s loop and copy take 46. \
“frames”, the same stream with the events encoded beforehand, take 85 and stay below the mark; \
looking for line breaks in a text and putting its prefix and its end costs 58 more. The path had \
218 instructions: it lost those of an asynchronous function for each send, of a thread-local slot \
with a destructor, of errors that come back through memory, and of one put in four. What did not \
help: gathering the event on the stack first (the copy then waits for bytes that were only just \
stored), one put from three chained iterators (as fast at 16 B, three times slower at any other \
length), a `Vec` instead of a `BytesMut` (its append is a call), and moving a boxed buffer in and \
out of the slot instead of borrowing it (more code, of which less is inlined). The floor’s \
texts are known to be free of line breaks; a server that sends what others wrote must look.

**The size of a write** matters more than the instructions. The kernel makes one segment of up to \
64 KiB, its headers included; a buffer of just 64 KiB makes a second, tiny one, which is sent, \
received and acknowledged as the large one is. So our buffer’s mark is 60 KiB. The floor has 64 \
KiB, as it was set; “floor, 60 KiB” is what it would be. Smaller blocks cost more (1.1 times as \
much at 40 KiB, 1.5 times at 16 KiB), larger ones gain little, and a slow client holds them.

**One event at a time** is the kernel’s: a datagram received, a task woken, a write. The floor, \
which does nothing else, comes to within a few percent of everybody, and of the instructions per \
event in user mode 7,600 are the floor’s; axum takes 11,000. Ours took 11,100 on hyper, which asks \
the body again after each piece, and once more when it is written: each time, the handler was \
polled in vain. A stream has a waker of its own now and knows whether there was a reason to poll \
it: 9,400. Before, two locks instead of four in each poll, no call to those who wait for room where \
nobody does, and a waker that is kept had made 100 of a difference. On raw TCP it is 8,300, on \
actix 11,900.

**Streams that come and go** on raw TCP take fewer instructions than in axum (37,000 against \
52,000), but more of the kernel: the server closes first (`connection: close`), and a client that \
only closed its sending side must be told from one that is gone, which takes two more writes.

**Ten thousand streams** on which something is sent in turn leave the processor’s caches, the \
kernel’s part of them as well as ours: the floor’s cost grows too, as everybody’s does. What is \
sent on one stream costs less per event the more there is.";
