package require Tcl 8.6
proc collatz n { set steps 0; while {$n != 1} { set n [expr {$n % 2 ? 3 * $n + 1 : $n / 2}]; incr steps }; return $steps }
set best {0 0}; for {set i 1} {$i < 3000} {incr i} { set s [collatz $i]; if {$s > [lindex $best 1]} { set best [list $i $s] } }; puts $best
set f [open a]; array set seen {}; while {[gets $f line] >= 0} { foreach w [split $line] { incr seen($w) } }; close $f; puts [array size seen]
puts [lsort -integer -decreasing -unique {5 3 9 3 1}] ; puts [regsub -all {([a-z]+)@([a-z]+)} "me@there you@here" {\2:\1}]; puts [expr {2 ** 128}] ; puts [clock format 1000000000 -gmt 1 -format %c]
set p [open "|cat" r+]; puts $p "through a pipe"; flush $p; puts [gets $p]; close $p; coroutine gen apply {{} { yield; for {set i 0} {$i < 3} {incr i} { yield $i } }}; puts "[gen] [gen] [gen]"
set o [open out.bin wb]; puts -nonewline $o [binary format Ic3 0x01020304 {5 6 7}]; close $o; after 5 {set done 1}; vwait done; catch {error oops} e; puts stderr $e; exit 4
