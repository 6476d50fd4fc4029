"""What moves a barrier and watches its contact; each fulfils `access.controller.DoorController`."""
