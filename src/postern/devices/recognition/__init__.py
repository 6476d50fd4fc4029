"""Recognition: pictures in, faces and plates out."""
