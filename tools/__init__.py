"""For people who work on ganad-tf: experiments and benchmarks."""
