module bankmesh/airgap/lifetime

go 1.26
