//! What the sections of the workshop share.
