// Package oracle is the second opinion on who gets what: a deliberately naive
// model of the whole product, written from the rules and sharing no code with
// the part that it judges.
//
// The daemon reads digests from a log when their slot comes and never stores a
// row per reader and comment. The oracle does exactly that: each settled
// publication is fanned out into one row per subscription, and a slot goes
// through a reader's rows one by one with plain loops. That is far too slow
// for a daemon and hard to get wrong.
//
// A [History] is a plain list of steps: time passes, people write, subscribe,
// pause, leave, and schedules fire. [Generate] makes one from a seed. A
// [World] lives through it and says which mails are made and which readers are
// held. Anything else that claims to follow the same rules implements
// [Machine] and is stepped beside it by [Check]: the pure functions of package
// dispatcher with a few maps for a store, or the real engine on a real
// database. When the two disagree, [Minimize] drops steps for as long as they
// still do, and what is left prints as a replay.
//
// What one step means for every machine: the clock moves to the step's time;
// what became due until then happens (publications settle, an immediate slot
// opens if the log moved or a hold that wakes came due, hold slots open on
// chains where one came due, and mails are sent if the history sends at once);
// the step's action happens; and what is due then happens again.
package oracle
