//! Sources: what can be learned from metadata. One file each; a source takes typed inputs and sets attributes of
//! [`bulkhead_core::policy::schema`], or notes an Unknown. It never guesses (invariant 4).
