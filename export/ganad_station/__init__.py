"""What runs on an inspection station: pictures, models, scores and decisions, no TensorFlow."""
