module bankmesh/airgap/echo

go 1.26
