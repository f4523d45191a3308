//! Parameters of racks that are JSON documents.
