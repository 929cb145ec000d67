//! Faults that are planted in what drives the protocol's code, to see that the simulator finds them.

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The lease counts from when the answer was received, not from when the question was sent.
    LeaseFromReceipt,
    /// Nothing ends a node's right to decide.
    NoLease,
    /// Epochs are drawn when a transaction begins, not when it commits.
    BareSequence,
    /// A node that restarts decides on what it knew before it has been answered.
    OldSnapshot,
    /// The end of the lease is looked up after the decision, not before.
    LateLook,
    /// A question is answered with a read that began before it came.
    EarlyRead,
    /// A store that is put back goes on with the same history.
    SameIncarnation,
    /// A receipt counts the nodes of one server, not of all.
    OwnNodesOnly,
    /// A node gives every workspace the grace of the last that it heard of.
    GraceOfAnother,
    /// A receipt goes by the grace that is given now, not by what nodes may still go by.
    GraceOfNow,
    /// Nodes are noted for other servers some time after they are answered, not before.
    LateNote,
}

impl Fault {
    pub(super) const ALL: [Self; 11] = [
        Self::LeaseFromReceipt,
        Self::NoLease,
        Self::BareSequence,
        Self::OldSnapshot,
        Self::LateLook,
        Self::EarlyRead,
        Self::SameIncarnation,
        Self::OwnNodesOnly,
        Self::LateNote,
        Self::GraceOfAnother,
        Self::GraceOfNow,
    ];
}
