module bankmesh/airgap/runc-caps

go 1.26
