"""Files of arrays, read whole with a clear refusal of what is none, and written whole or not at all."""
