//! The rules, one by one; `random` has the whole under generated trees.

mod performer;
mod random;
mod rig;

mod nested;
mod order;
mod time;
mod turns;
