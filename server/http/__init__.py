"""What a browser or a script calls: addresses, who may call them, and errors as problem+json."""
