"""Work that takes its time, done beside conversations or on other machines."""
