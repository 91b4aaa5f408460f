//! Why the marks that are missed are missed.

pub(crate) const LIMITS: &str = "\
### What stands in the way of more

Instructions are those of callgrind, inclusive.

- **Bursts**: of 1,100 instructions, decoding takes 510, and so it does with “reqwest + sse-codec”; \
  `malloc` and `free` 125, as each event leaves by value; the way through `EventSource`, which asks \
  whether an event is the last one or a failure, 200, twice as many as a stream that only decodes. \
  Moving an event from one enum to another on that way was dearer than its instructions: stored at \
  one offset and loaded at another, it has to wait for the store. Building it where it is returned, \
  and one layout of the result through all functions, saved a fifth of the CPU time.
- **One at a time**: of 7,200 instructions, the connection of hyper takes 3,100 (its decoder of \
  chunks 1,800), the runtime 1,500, decoding 750, and the body of hyper 650, which is asked before \
  and after the connection is. Asking it once, where it has been empty before, was within the noise. \
  The time is the kernel's. Without a task for the connection, ours has no wakers to go through \
  between two tasks; how many instructions that leaves depends on whether the next event is there \
  when the client looks.
- **Chunks over HTTP/2**: of 5,000 instructions, the connection of h2 takes 3,000 and the body 630, \
  as flow control is done for each frame.
- **Memory**: over HTTP/1.1, the buffers of hyper, which the peers have too. Over HTTP/2 each stream \
  has a connection of its own, as nothing drives a shared one while its stream is not read; a pooled \
  client under `EventSourceBuilder::build_with` is the way to many streams of one server.";
