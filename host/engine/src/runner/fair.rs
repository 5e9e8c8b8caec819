//! Who gets the next free slot: stride scheduling over lanes.
//!
//! Every lane has a pass, which a slot given to it moves on by its stride (the smaller the greater its weight). Of the
//! lanes that wait and are below their bound the one with the smallest pass is next. A lane that had nothing to do starts
//! at the pass of the others: rest is not saved up.
//!
//! Nobody is interrupted, so turns alone would let a few slow lanes take every slot for as long as they like. A part of the
//! slots is therefore kept for lanes that have none.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Of so many slots one is kept for lanes that have none.
const KEPT: usize = 4;

/// Divisible by all small weights, and far from overflow: 2^64 / 2^20 slots.
const STRIDE: u64 = 1 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LaneId(u64);

#[derive(Debug)]
pub(super) struct Fair<W> {
    slots: usize,
    free: usize,
    ids: u64,
    /// The pass of the lane that was served last.
    now: u64,
    lanes: BTreeMap<LaneId, Lane<W>>,
    /// Lanes that wait, have a slot and are below their bound, in the order of their turns.
    turns: BTreeSet<(u64, LaneId)>,
    /// Lanes that wait and have no slot, in the order of their turns.
    first: BTreeSet<(u64, LaneId)>,
    /// Lanes that have no slot, whether they wait or not.
    idle: usize,
}

#[derive(Debug)]
struct Lane<W> {
    slots: usize,
    stride: u64,
    pass: u64,
    running: usize,
    waiters: VecDeque<W>,
    /// Nobody will ask any more; it is forgotten with its last slot.
    removed: bool,
}

impl<W> Fair<W> {
    pub(super) fn new(slots: usize) -> Self {
        Self {
            slots,
            free: slots,
            ids: 0,
            now: 0,
            lanes: BTreeMap::new(),
            turns: BTreeSet::new(),
            first: BTreeSet::new(),
            idle: 0,
        }
    }

    pub(super) fn add_lane(&mut self) -> LaneId {
        self.ids += 1;
        let id = LaneId(self.ids);
        let waiters = VecDeque::new();
        self.idle += 1;
        self.lanes.insert(id, Lane { slots: 1, stride: STRIDE, pass: self.now, running: 0, waiters, removed: false });
        id
    }

    pub(super) fn set_share(&mut self, id: LaneId, slots: usize, weight: usize) {
        self.change(id, |lane, _| {
            lane.slots = slots;
            lane.stride = (STRIDE / weight as u64).max(1);
        });
    }

    pub(super) fn remove_lane(&mut self, id: LaneId) {
        self.change(id, |lane, _| {
            lane.removed = true;
            lane.waiters.clear();
        });
        self.forget_if_over(id);
    }

    pub(super) fn wait(&mut self, id: LaneId, waiter: W) {
        self.change(id, |lane, now| {
            if lane.waiters.is_empty() {
                lane.pass = lane.pass.max(now);
            }
            lane.waiters.push_back(waiter);
        });
    }

    /// Takes a free slot for the one whose turn it is.
    pub(super) fn next(&mut self) -> Option<(LaneId, W)> {
        if self.free == 0 {
            return None;
        }
        let kept = self.idle.min(self.slots / KEPT);
        let more = self.turns.first().filter(|_| self.free > kept);
        let (pass, id) = *self.first.first().into_iter().chain(more).min()?;
        self.now = pass;
        let waiter = self.change(id, |lane, _| {
            lane.pass += lane.stride;
            lane.running += 1;
            lane.waiters.pop_front()
        });
        self.free -= 1;
        // Only lanes with waiters have a turn.
        Some((id, waiter.flatten()?))
    }

    pub(super) fn release(&mut self, id: LaneId) {
        self.free += 1;
        self.change(id, |lane, _| lane.running -= 1);
        self.forget_if_over(id);
    }

    /// Changes a lane and keeps its turn in step.
    fn change<T>(&mut self, id: LaneId, change: impl FnOnce(&mut Lane<W>, u64) -> T) -> Option<T> {
        let lane = self.lanes.get_mut(&id)?;
        self.turns.remove(&(lane.pass, id));
        self.first.remove(&(lane.pass, id));
        self.idle -= usize::from(lane.running == 0);
        let answer = change(lane, self.now);
        self.idle += usize::from(lane.running == 0);
        if !lane.waiters.is_empty() && lane.running < lane.slots {
            let turns = if lane.running == 0 { &mut self.first } else { &mut self.turns };
            turns.insert((lane.pass, id));
        }
        Some(answer)
    }

    fn forget_if_over(&mut self, id: LaneId) {
        if self.lanes.get(&id).is_some_and(|lane| lane.removed && lane.running == 0) {
            self.lanes.remove(&id);
            self.idle -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each lane always waits; every slot is given back at once.
    fn served(weights: &[usize], rounds: usize) -> Vec<usize> {
        let mut fair = Fair::new(1);
        let lanes: Vec<_> = weights
            .iter()
            .map(|weight| {
                let id = fair.add_lane();
                fair.set_share(id, 1, *weight);
                fair.wait(id, ());
                id
            })
            .collect();
        let mut served = vec![0; weights.len()];
        for _ in 0..rounds {
            let (id, ()) = fair.next().unwrap();
            served[lanes.iter().position(|lane| *lane == id).unwrap()] += 1;
            fair.wait(id, ());
            fair.release(id);
        }
        served
    }

    #[test]
    fn equal_weights_take_turns() {
        assert_eq!(served(&[1, 1, 1], 300), [100, 100, 100]);
    }

    #[test]
    fn shares_follow_weights() {
        assert_eq!(served(&[3, 1], 400), [300, 100]);
    }

    #[test]
    fn a_crowd_in_one_lane_does_not_delay_another() {
        let mut fair = Fair::new(1);
        let (noisy, quiet) = (fair.add_lane(), fair.add_lane());
        for _ in 0..1_000 {
            fair.wait(noisy, "noisy");
        }
        for _ in 0..10 {
            let (id, _) = fair.next().unwrap();
            fair.release(id);
        }
        fair.wait(quiet, "quiet");
        let soon: Vec<_> = (0..2)
            .map(|_| {
                let (id, waiter) = fair.next().unwrap();
                fair.release(id);
                waiter
            })
            .collect();
        assert!(soon.contains(&"quiet"), "{soon:?}");
    }

    #[test]
    fn rest_is_not_saved_up() {
        let mut fair = Fair::new(1);
        let (busy, rested) = (fair.add_lane(), fair.add_lane());
        for _ in 0..100 {
            fair.wait(busy, busy);
            let (id, _) = fair.next().unwrap();
            fair.release(id);
        }
        for _ in 0..10 {
            fair.wait(busy, busy);
            fair.wait(rested, rested);
        }
        let mut order = Vec::new();
        for _ in 0..10 {
            let (id, _) = fair.next().unwrap();
            fair.release(id);
            order.push(id);
        }
        assert_eq!(order.iter().filter(|id| **id == busy).count(), 5, "{order:?}");
    }
}
