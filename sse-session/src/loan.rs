//! The buffer on loan to the thread that polls the handler.
//!
//! A handler sends from within the body's poll, on one thread and one event after the other. To
//! take a lock for each of them costs twice what it costs to encode a short event. So the body
//! takes the buffer out of the pipe while it polls the handler, and puts it where only this
//! thread can get at it. When to end the loan early is the pipe's business.

use std::cell::{BorrowMutError, RefCell, RefMut};
use std::hint::cold_path;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use crate::buffer::Buffer;
use crate::pipe::Pipe;

type Slot = RefCell<ManuallyDrop<Option<Lent>>>;

thread_local! {
    // Without a destructor, there is no asking at each access whether it has run yet. There is
    // nothing for it to do: when a thread ends, its loans are over.
    static LENT: Slot = const { RefCell::new(ManuallyDrop::new(None)) };
}

struct Lent {
    /// Only to be compared: which pipe the buffer belongs to.
    owner: NonNull<Pipe>,
    buffer: Buffer,
}

/// Ends the loan when it is dropped.
pub(crate) struct Loan<'a> {
    pipe: &'a Pipe,
    /// What was lent before, for a handler may poll the body of another stream; `None` if this
    /// loan did not come about.
    outer: Option<Option<Lent>>,
}

impl<'a> Loan<'a> {
    /// A loan that did not come about.
    pub(crate) const fn none(pipe: &'a Pipe) -> Self {
        Self { pipe, outer: None }
    }
}

/// Lends the buffer of `pipe` to this thread. Where that cannot be, the loan is over at once.
pub(crate) fn lend(pipe: &Pipe, buffer: Buffer) -> Loan<'_> {
    let mut lent = Some(Lent {
        owner: NonNull::from(pipe),
        buffer,
    });
    // It cannot be while an event is being encoded whose own code polls the body of a stream,
    // and not when the thread is coming to its end.
    let outer = LENT.try_with(|slot| {
        let mut slot = slot.try_borrow_mut().ok()?;
        Some(std::mem::replace(&mut **slot, lent.take()))
    });
    if let Some(refused) = lent {
        pipe.return_loan(refused.buffer);
    }
    Loan {
        pipe,
        outer: outer.ok().flatten(),
    }
}

/// Calls `with` with the buffer of `pipe`, if this thread has it.
#[inline(always)]
pub(crate) fn with_buffer<R>(pipe: &Pipe, with: impl FnOnce(&mut Buffer) -> R) -> Option<R> {
    LENT.try_with(|slot| Some(with(buffer_of(pipe, &mut slot.try_borrow_mut())?)))
        .ok()?
}

/// Puts an event of short text into the buffer of `pipe`, if this thread has it and the
/// buffer is ready for that.
#[inline(always)]
pub(crate) fn put_text(pipe: &Pipe, text: &str) -> bool {
    LENT.try_with(|slot| put_text_into(slot, pipe, text))
        .unwrap_or_default()
}

/// Compiled once and by itself. As part of each handler it would be too large for the compiler to
/// leave it there, and what that cut out instead took half as long again. There is no call in it,
/// so it keeps nothing on the stack.
#[inline(never)]
fn put_text_into(slot: &Slot, pipe: &Pipe, text: &str) -> bool {
    match buffer_of(pipe, &mut slot.try_borrow_mut()) {
        Some(buffer) => pipe.put_text(buffer, text),
        None => false,
    }
}

/// The buffer of `pipe`, if it is what is in the slot. It is returned, and not passed to a closure:
/// with that, a short text took two instructions more.
#[inline(always)]
fn buffer_of<'a>(
    pipe: &Pipe,
    slot: &'a mut Result<RefMut<'_, ManuallyDrop<Option<Lent>>>, BorrowMutError>,
) -> Option<&'a mut Buffer> {
    match slot.as_mut().map(|slot| slot.as_mut()) {
        Ok(Some(lent)) if lent.owner == NonNull::from(pipe) => Some(&mut lent.buffer),
        _ => {
            cold_path();
            None
        }
    }
}

/// Takes back the buffer of `pipe`, if this thread has it.
pub(crate) fn take_back(pipe: &Pipe) -> Option<Buffer> {
    let lent = LENT.try_with(|slot| {
        let mut slot = slot.try_borrow_mut().ok()?;
        slot.take_if(|lent| lent.owner == NonNull::from(pipe))
    });
    Some(lent.ok()??.buffer)
}

impl Loan<'_> {
    /// Ends the loan, and hands out the buffer if it did not end early.
    pub(crate) fn end(mut self) -> Option<Buffer> {
        self.end_it()
    }

    fn end_it(&mut self) -> Option<Buffer> {
        // Once, and not if there was no loan.
        let outer = self.outer.take()?;
        let buffer = take_back(self.pipe);
        if outer.is_some() {
            let _ = LENT.try_with(|slot| slot.replace(ManuallyDrop::new(outer)));
        }
        buffer
    }
}

/// For a handler that panics.
impl Drop for Loan<'_> {
    fn drop(&mut self) {
        if let Some(buffer) = self.end_it() {
            self.pipe.return_loan(buffer);
        }
    }
}
