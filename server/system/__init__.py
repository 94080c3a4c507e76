"""What every part of the server needs: settings, errors, threads, metrics."""
