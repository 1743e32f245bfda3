"""Thin agents: what each of the two Faust applications does with a record, and what runs beside."""
