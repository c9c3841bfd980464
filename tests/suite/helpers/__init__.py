"""What tests of several rooms share: stories told by hand, recorded traffic, targets that misbehave or are far away."""
