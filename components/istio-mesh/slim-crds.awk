# Takes out of Istio's CRDs what nobody asks the cluster for. Reads and writes YAML as Helm renders it.

function indent(line) { match(line, /[^ ]/); return RSTART ? RSTART : length(line) + 1 }

# The rest of a text that is left out stands further to the right, or is empty.
leaving && (/^ *$/ || indent($0) > leaving) { next }
{ leaving = 0 }

# Kept CRDs would outlive `destroy` on a cluster that lives on, and the next `up` would find them in its way. In place of
# that wish: being there is enough, for istiod waits for its CRDs itself, and the webhook check asks through one of them
# before any object of theirs is made; the provider would wait for "Established" in front of the whole control plane.
/^ +"?helm\.sh\/resource-policy"?: / {
  print substr($0, 1, indent($0) - 1) "pulumi.com/waitFor: jsonpath={.metadata.uid}"
  next
}

# Half of each CRD is prose. A field that is called description has no text on its line.
/^ +description: / { leaving = indent($0); next }

{ print }
