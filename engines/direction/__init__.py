"""Plain words such as "appear thoughtful" to a demeanour: how face and voice are."""
