module bankmesh/airgap/pause

go 1.26
