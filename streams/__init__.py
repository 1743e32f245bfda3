"""What happens to an event: stages, agents, delivery, runtime, gateway and the command line."""
