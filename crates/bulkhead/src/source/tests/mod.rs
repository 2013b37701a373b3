//! What each source sets, and what it refuses to say.

mod facts;
mod feeds;
mod osv;
