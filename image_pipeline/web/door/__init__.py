"""The door: decides who may do what, before anything else sees a request."""
