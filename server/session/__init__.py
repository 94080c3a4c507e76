"""One conversation: hearing, speaking, showing, and the turn that binds them."""
