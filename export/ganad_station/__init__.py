"""What runs on an inspection station: images, models and scores, without TensorFlow."""
