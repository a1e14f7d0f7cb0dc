"""What a station's accelerator takes: profiles, and checking a file against one."""
