"""What a run is to do: settings from options, environment, file and defaults."""
