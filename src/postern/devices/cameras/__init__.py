"""Pictures, folders, video files, streams and webcams, each as a source of frames."""
