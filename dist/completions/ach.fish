# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_ach_global_optspecs
    string join \n h/help V/version
end

function __fish_ach_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_ach_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_ach_using_subcommand
    set -l cmd (__fish_ach_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c ach -n "__fish_ach_needs_command" -s h -l help -d 'Print help'
complete -c ach -n "__fish_ach_needs_command" -s V -l version -d 'Print version'
complete -c ach -n "__fish_ach_needs_command" -f -a "pack" -d 'Pack files into one archive'
complete -c ach -n "__fish_ach_needs_command" -f -a "ls" -d 'List the variables of archives'
complete -c ach -n "__fish_ach_needs_command" -f -a "info" -d 'Show what archives say about themselves, and a picture of what lies where in the file'
complete -c ach -n "__fish_ach_needs_command" -f -a "get" -d 'Show one value, or a part of one; only that part is read'
complete -c ach -n "__fish_ach_needs_command" -f -a "stat" -d 'Tell what the numbers of arrays are like: least, greatest, mean, deviation, how many are NaN, infinite or zero, and a histogram'
complete -c ach -n "__fish_ach_needs_command" -f -a "plot" -d 'Draw a vector, a matrix or an image as a PNG or SVG file'
complete -c ach -n "__fish_ach_needs_command" -f -a "extract" -d 'Write variables of an archive to files'
complete -c ach -n "__fish_ach_needs_command" -f -a "verify" -d 'Check archives: every sum, digest, node, reference and byte of padding'
complete -c ach -n "__fish_ach_needs_command" -f -a "view" -d 'Show an archive or a session in the browser: variables with search, plots, images, tables, the layout of the file, and its history'
complete -c ach -n "__fish_ach_needs_command" -f -a "repair" -d 'Write every intact variable of a damaged archive to a new one, and list what is lost'
complete -c ach -n "__fish_ach_needs_command" -f -a "diff" -d 'Compare two archives: variables added, removed and changed, and where in their values'
complete -c ach -n "__fish_ach_needs_command" -f -a "hash" -d 'Name the content of an archive by a SHA-256, or that of some of its variables'
complete -c ach -n "__fish_ach_needs_command" -f -a "delta" -d 'Make a file of what changed between two archives, or apply one'
complete -c ach -n "__fish_ach_needs_command" -f -a "set" -d 'Set variables of an archive, or parts of them, in one commit'
complete -c ach -n "__fish_ach_needs_command" -f -a "rm" -d 'Remove variables of an archive, in one commit'
complete -c ach -n "__fish_ach_needs_command" -f -a "mv" -d 'Rename a variable of an archive. It keeps its value, its attributes and its place'
complete -c ach -n "__fish_ach_needs_command" -f -a "cp" -d 'Copy variables of archives into another archive'
complete -c ach -n "__fish_ach_needs_command" -f -a "merge" -d 'Merge archives into one'
complete -c ach -n "__fish_ach_needs_command" -f -a "convert" -d 'Write an archive again with its arrays compressed, unpacked, packed tighter, or sealed'
complete -c ach -n "__fish_ach_needs_command" -f -a "log" -d 'List the commits in the journal of an archive, the newest first'
complete -c ach -n "__fish_ach_needs_command" -f -a "mark" -d 'Give the present state of an archive a name, to which `ach undo --to` and `ach restore --at` lead back'
complete -c ach -n "__fish_ach_needs_command" -f -a "undo" -d 'Undo the last commit, or all since a mark. Nothing is lost by that: `ach redo` takes it back'
complete -c ach -n "__fish_ach_needs_command" -f -a "redo" -d 'Take the last undo back. Undone commits come back one at a time, until something else is committed'
complete -c ach -n "__fish_ach_needs_command" -f -a "restore" -d 'Go to the state of a mark, of a commit, or of a time'
complete -c ach -n "__fish_ach_needs_command" -f -a "checkpoint" -d 'Fold the journal of an archive into it'
complete -c ach -n "__fish_ach_needs_command" -f -a "backup" -d 'Write the last committed state of a session to one archive, while its writer works'
complete -c ach -n "__fish_ach_needs_command" -f -a "watch" -d 'Follow the commits of a session as they are made, a line for each thing that was done'
complete -c ach -n "__fish_ach_needs_command" -f -a "upgrade" -d 'Convert a version 1 file to the present format'
complete -c ach -n "__fish_ach_needs_command" -f -a "demo" -d 'A short tour: real data are packed, listed, and read in parts'
complete -c ach -n "__fish_ach_needs_command" -f -a "completions" -d 'Print what a shell needs to complete the commands and options of `ach`'
complete -c ach -n "__fish_ach_needs_command" -f -a "man" -d 'Write the manual pages of `ach` and of each of its commands into a directory'
complete -c ach -n "__fish_ach_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ach -n "__fish_ach_using_subcommand pack" -s o -l output -d 'The archive to write' -r -F
complete -c ach -n "__fish_ach_using_subcommand pack" -l cold -d 'Compress the arrays of variables whose names match (repeatable)' -r
complete -c ach -n "__fish_ach_using_subcommand pack" -l level -d 'Level of compression, 1 (fast) to 22 (small)' -r
complete -c ach -n "__fish_ach_using_subcommand pack" -l description -d 'What the archive is' -r
complete -c ach -n "__fish_ach_using_subcommand pack" -l tag -d 'A tag (repeatable)' -r
complete -c ach -n "__fish_ach_using_subcommand pack" -l meta -d 'A pair of metadata (repeatable)' -r
complete -c ach -n "__fish_ach_using_subcommand pack" -l attr -d 'An attribute of a variable (repeatable); VALUE is JSON if it parses, else text' -r
complete -c ach -n "__fish_ach_using_subcommand pack" -l include -d 'Only variables whose names match (repeatable)' -r
complete -c ach -n "__fish_ach_using_subcommand pack" -l exclude -d 'No variables whose names match (repeatable)' -r
complete -c ach -n "__fish_ach_using_subcommand pack" -l delimiter -d 'What parts the fields of tables: one character, or `tab` [default: comma; tab for .tsv]' -r
complete -c ach -n "__fish_ach_using_subcommand pack" -l strings -d 'Columns of tables that are text whatever they hold' -r
complete -c ach -n "__fish_ach_using_subcommand pack" -l force -d 'Replace the archive if it exists'
complete -c ach -n "__fish_ach_using_subcommand pack" -l discard-journal -d 'Replace also an archive whose journal holds commits that it does not: they are gone then'
complete -c ach -n "__fish_ach_using_subcommand pack" -s r -l recursive -d 'Walk directories; hidden files and unknown extensions are left out'
complete -c ach -n "__fish_ach_using_subcommand pack" -l decode -d 'Undo the file names that `ach extract -d` made (a%2Fb.npy is a/b)'
complete -c ach -n "__fish_ach_using_subcommand pack" -l seal -d 'Name contents by SHA-256 digests, which nobody can forge'
complete -c ach -n "__fish_ach_using_subcommand pack" -l no-header -d 'The first line of tables is data; columns are named c0, c1, ...'
complete -c ach -n "__fish_ach_using_subcommand pack" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ach -n "__fish_ach_using_subcommand ls" -s n -l name -d 'Only names that match: *, ?, [a-z], {a,b}; * also crosses . and /' -r
complete -c ach -n "__fish_ach_using_subcommand ls" -l sort -d 'In which order' -r -f -a "name\t'By the bytes of the name'
size\t'The largest first'
saved\t'As they were saved'"
complete -c ach -n "__fish_ach_using_subcommand ls" -s l -l long -d 'Also attributes, offsets in the file, and content digests'
complete -c ach -n "__fish_ach_using_subcommand ls" -l json -d 'As JSON, one object (docs/cli.md has the schema)'
complete -c ach -n "__fish_ach_using_subcommand ls" -l bytes -d 'Sizes as plain numbers of bytes'
complete -c ach -n "__fish_ach_using_subcommand ls" -l archive-only -d 'Only the archive, without what its journal says'
complete -c ach -n "__fish_ach_using_subcommand ls" -s q -l quiet -d 'Do not tell on standard error that a journal was read too'
complete -c ach -n "__fish_ach_using_subcommand ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ach -n "__fish_ach_using_subcommand info" -l json -d 'As JSON, one object (docs/cli.md has the schema)'
complete -c ach -n "__fish_ach_using_subcommand info" -l bytes -d 'Sizes as plain numbers of bytes'
complete -c ach -n "__fish_ach_using_subcommand info" -l archive-only -d 'Only the archive, without what its journal says'
complete -c ach -n "__fish_ach_using_subcommand info" -s q -l quiet -d 'Do not tell on standard error that a journal was read too'
complete -c ach -n "__fish_ach_using_subcommand info" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ach -n "__fish_ach_using_subcommand get" -s s -l slice -d 'A part of an array: 0:10,: or -1 or ..., ::2' -r
complete -c ach -n "__fish_ach_using_subcommand get" -l format -d 'How it is written [default: by the extension of OUT, else text]' -r -f -a "text\t'For people'
json\t'The mapping in docs/cli.md, which loses nothing but the bits of NaN'
npy\t'NumPy\'s file of one array'
csv\t'Arrays of one or two dimensions, and tables'
raw\t'The bytes themselves, little-endian'"
complete -c ach -n "__fish_ach_using_subcommand get" -s o -l output -d 'Write to a file' -r -F
complete -c ach -n "__fish_ach_using_subcommand get" -l stats -d 'Statistics of a tensor of any size'
complete -c ach -n "__fish_ach_using_subcommand get" -l force -d 'Replace OUT if it exists'
complete -c ach -n "__fish_ach_using_subcommand get" -l archive-only -d 'Only the archive, without what its journal says'
complete -c ach -n "__fish_ach_using_subcommand get" -s q -l quiet -d 'Do not tell on standard error that a journal was read too'
complete -c ach -n "__fish_ach_using_subcommand get" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ach -n "__fish_ach_using_subcommand stat" -l bins -d 'Bars of the histogram, 0 for none' -r
complete -c ach -n "__fish_ach_using_subcommand stat" -l json -d 'As JSON, one object (docs/cli.md has the schema)'
complete -c ach -n "__fish_ach_using_subcommand stat" -l archive-only -d 'Only the archive, without what its journal says'
complete -c ach -n "__fish_ach_using_subcommand stat" -s q -l quiet -d 'Do not tell on standard error that a journal was read too'
complete -c ach -n "__fish_ach_using_subcommand stat" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ach -n "__fish_ach_using_subcommand plot" -s o -l output -d 'The picture, .png or .svg; - is standard output [default: NAME.png]' -r -F
complete -c ach -n "__fish_ach_using_subcommand plot" -l format -d 'What it is written as [default: by the extension of OUT, else png]' -r -f -a "png\t'Pixels'
svg\t'Lines and text, which stay sharp at any size'"
complete -c ach -n "__fish_ach_using_subcommand plot" -l x -d 'What stands along the lower edge: a column of the table, or a name [default: the index]' -r
complete -c ach -n "__fish_ach_using_subcommand plot" -l bins -d 'Bars of --hist' -r
complete -c ach -n "__fish_ach_using_subcommand plot" -l title -d 'What stands above [default: the name]' -r
complete -c ach -n "__fish_ach_using_subcommand plot" -l size -d 'Width and height in pixels' -r
complete -c ach -n "__fish_ach_using_subcommand plot" -l scatter -d 'Dots instead of lines'
complete -c ach -n "__fish_ach_using_subcommand plot" -l hist -d 'How the numbers are spread'
complete -c ach -n "__fish_ach_using_subcommand plot" -l image -d 'An image, whatever the dtype: 0 to 1 for floats, 0 to 65535 for uint16, else 0 to 255'
complete -c ach -n "__fish_ach_using_subcommand plot" -l heatmap -d 'A heat map, of uint8 too'
complete -c ach -n "__fish_ach_using_subcommand plot" -l abs -d 'Of complex numbers the absolute value'
complete -c ach -n "__fish_ach_using_subcommand plot" -l log -d 'A logarithmic vertical axis, or scale of colours'
complete -c ach -n "__fish_ach_using_subcommand plot" -l force -d 'Replace OUT if it exists'
complete -c ach -n "__fish_ach_using_subcommand plot" -l archive-only -d 'Only the archive, without what its journal says'
complete -c ach -n "__fish_ach_using_subcommand plot" -s q -l quiet -d 'Do not tell on standard error that a journal was read too'
complete -c ach -n "__fish_ach_using_subcommand plot" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ach -n "__fish_ach_using_subcommand extract" -s n -l name -d 'Only names that match: *, ?, [a-z], {a,b}; * also crosses . and /' -r
complete -c ach -n "__fish_ach_using_subcommand extract" -s d -l directory -d 'A file for each variable, in this directory' -r -F
complete -c ach -n "__fish_ach_using_subcommand extract" -s o -l output -d 'All in one file: .npz, .safetensors, .arrow, .feather, .parquet or .ach' -r -F
complete -c ach -n "__fish_ach_using_subcommand extract" -l force -d 'Replace files that exist'
complete -c ach -n "__fish_ach_using_subcommand extract" -l discard-journal -d 'Replace also an archive whose journal holds commits that it does not: they are gone then'
complete -c ach -n "__fish_ach_using_subcommand extract" -l archive-only -d 'Only the archive, without what its journal says'
complete -c ach -n "__fish_ach_using_subcommand extract" -s q -l quiet -d 'Do not tell on standard error that a journal was read too'
complete -c ach -n "__fish_ach_using_subcommand extract" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ach -n "__fish_ach_using_subcommand verify" -l json -d 'As JSON, one object (docs/cli.md has the schema)'
complete -c ach -n "__fish_ach_using_subcommand verify" -l archive-only -d 'Only the archive, and not the journal beside it'
complete -c ach -n "__fish_ach_using_subcommand verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ach -n "__fish_ach_using_subcommand view" -l port -d 'The port on 127.0.0.1; 0 is any that is free' -r
complete -c ach -n "__fish_ach_using_subcommand view" -l no-open -d 'Do not open the browser'
complete -c ach -n "__fish_ach_using_subcommand view" -l archive-only -d 'Only the archive, without what its journal says'
complete -c ach -n "__fish_ach_using_subcommand view" -s q -l quiet -d 'Do not tell on standard error that a journal was read too'
complete -c ach -n "__fish_ach_using_subcommand view" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ach -n "__fish_ach_using_subcommand repair" -l partial -d 'Save tensors with damaged blocks too: lost elements are NaN, or zero where there is no NaN'
complete -c ach -n "__fish_ach_using_subcommand repair" -l force -d 'Replace DST if it exists'
complete -c ach -n "__fish_ach_using_subcommand repair" -l json -d 'As JSON, one object (docs/cli.md has the schema)'
complete -c ach -n "__fish_ach_using_subcommand repair" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ach -n "__fish_ach_using_subcommand diff" -l rtol -d 'Numbers are the same when |a - b| <= ATOL + RTOL * |b|; one that is not given is 0' -r
complete -c ach -n "__fish_ach_using_subcommand diff" -l atol -d 'The absolute tolerance' -r
complete -c ach -n "__fish_ach_using_subcommand diff" -l listed -d 'Differences listed of one variable' -r
complete -c ach -n "__fish_ach_using_subcommand diff" -l json -d 'As JSON, one object (docs/cli.md has the schema)'
complete -c ach -n "__fish_ach_using_subcommand diff" -s q -l quiet -d 'Only the exit code'
complete -c ach -n "__fish_ach_using_subcommand diff" -l archive-only -d 'Only the archives, without what their journals say'
complete -c ach -n "__fish_ach_using_subcommand diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ach -n "__fish_ach_using_subcommand hash" -l json -d 'As JSON, one object (docs/cli.md has the schema)'
complete -c ach -n "__fish_ach_using_subcommand hash" -l archive-only -d 'Only the archive, without what its journal says'
complete -c ach -n "__fish_ach_using_subcommand hash" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ach -n "__fish_ach_using_subcommand delta; and not __fish_seen_subcommand_from create apply help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ach -n "__fish_ach_using_subcommand delta; and not __fish_seen_subcommand_from create apply help" -f -a "create" -d 'Make a delta: what must be changed in OLD to make NEW'
complete -c ach -n "__fish_ach_using_subcommand delta; and not __fish_seen_subcommand_from create apply help" -f -a "apply" -d 'Apply a delta to the archive it was made for'
complete -c ach -n "__fish_ach_using_subcommand delta; and not __fish_seen_subcommand_from create apply help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ach -n "__fish_ach_using_subcommand delta; and __fish_seen_subcommand_from create" -s o -l output -d 'The delta to write, by convention .ach-delta' -r -F
complete -c ach -n "__fish_ach_using_subcommand delta; and __fish_seen_subcommand_from create" -l level -d 'Level of compression, 1 (fast) to 22 (small)' -r
complete -c ach -n "__fish_ach_using_subcommand delta; and __fish_seen_subcommand_from create" -l force -d 'Replace the delta if it exists'
complete -c ach -n "__fish_ach_using_subcommand delta; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ach -n "__fish_ach_using_subcommand delta; and __fish_seen_subcommand_from apply" -s o -l output -d 'The archive to write; PARENT itself with --force' -r -F
complete -c ach -n "__fish_ach_using_subcommand delta; and __fish_seen_subcommand_from apply" -l force -d 'Replace the archive if it exists'
complete -c ach -n "__fish_ach_using_subcommand delta; and __fish_seen_subcommand_from apply" -l discard-journal -d 'Replace also an archive whose journal holds commits that it does not: they are gone then'
complete -c ach -n "__fish_ach_using_subcommand delta; and __fish_seen_subcommand_from apply" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ach -n "__fish_ach_using_subcommand delta; and __fish_seen_subcommand_from help" -f -a "create" -d 'Make a delta: what must be changed in OLD to make NEW'
complete -c ach -n "__fish_ach_using_subcommand delta; and __fish_seen_subcommand_from help" -f -a "apply" -d 'Apply a delta to the archive it was made for'
complete -c ach -n "__fish_ach_using_subcommand delta; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ach -n "__fish_ach_using_subcommand set" -l attr -d 'An attribute of a variable (repeatable); VALUE is JSON if it parses, else text' -r
complete -c ach -n "__fish_ach_using_subcommand set" -l create -d 'Make the archive when there is none'
complete -c ach -n "__fish_ach_using_subcommand set" -l keep-history -d 'Leave the edit in the journal, so that `ach undo` can take it back'
complete -c ach -n "__fish_ach_using_subcommand set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ach -n "__fish_ach_using_subcommand rm" -l keep-history -d 'Leave the edit in the journal, so that `ach undo` can take it back'
complete -c ach -n "__fish_ach_using_subcommand rm" -s h -l help -d 'Print help'
complete -c ach -n "__fish_ach_using_subcommand mv" -l keep-history -d 'Leave the edit in the journal, so that `ach undo` can take it back'
complete -c ach -n "__fish_ach_using_subcommand mv" -s h -l help -d 'Print help'
complete -c ach -n "__fish_ach_using_subcommand cp" -s n -l name -d 'Only this name, or names that match: *, ?, [a-z], {a,b}; * also crosses . and / (repeatable)' -r
complete -c ach -n "__fish_ach_using_subcommand cp" -l exclude -d 'No variables whose names match (repeatable)' -r
complete -c ach -n "__fish_ach_using_subcommand cp" -l as -d 'The name of the copy, of one variable' -r
complete -c ach -n "__fish_ach_using_subcommand cp" -l prefix -d 'What the names of the copies begin with' -r
complete -c ach -n "__fish_ach_using_subcommand cp" -l force -d 'Replace variables that DST has already'
complete -c ach -n "__fish_ach_using_subcommand cp" -l archive-only -d 'Only the archive, without what its journal says'
complete -c ach -n "__fish_ach_using_subcommand cp" -s q -l quiet -d 'Do not tell on standard error that a journal was read too'
complete -c ach -n "__fish_ach_using_subcommand cp" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ach -n "__fish_ach_using_subcommand merge" -s o -l output -d 'The archive to write' -r -F
complete -c ach -n "__fish_ach_using_subcommand merge" -l clash -d 'What becomes of a name that several archives have' -r -f -a "error\t'Nothing is written'
first\t'The first archive\'s counts, the others\' are told'
last\t'The last archive\'s counts, the others\' are told'
namespace\t'Each archive becomes a record, named after its file'"
complete -c ach -n "__fish_ach_using_subcommand merge" -s n -l name -d 'Only variables whose names match (repeatable)' -r
complete -c ach -n "__fish_ach_using_subcommand merge" -l exclude -d 'No variables whose names match (repeatable)' -r
complete -c ach -n "__fish_ach_using_subcommand merge" -l description -d 'What the new archive is' -r
complete -c ach -n "__fish_ach_using_subcommand merge" -l tag -d 'A tag (repeatable)' -r
complete -c ach -n "__fish_ach_using_subcommand merge" -l meta -d 'A pair of metadata (repeatable)' -r
complete -c ach -n "__fish_ach_using_subcommand merge" -l force -d 'Replace OUT if it exists'
complete -c ach -n "__fish_ach_using_subcommand merge" -l discard-journal -d 'Replace also an archive whose journal holds commits that it does not: they are gone then'
complete -c ach -n "__fish_ach_using_subcommand merge" -l json -d 'As JSON, one object (docs/cli.md has the schema)'
complete -c ach -n "__fish_ach_using_subcommand merge" -l archive-only -d 'Only the archive, without what its journal says'
complete -c ach -n "__fish_ach_using_subcommand merge" -s q -l quiet -d 'Do not tell on standard error that a journal was read too'
complete -c ach -n "__fish_ach_using_subcommand merge" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ach -n "__fish_ach_using_subcommand convert" -l cold -d 'Compress the arrays of variables whose names match (repeatable)' -r
complete -c ach -n "__fish_ach_using_subcommand convert" -l hot -d 'Unpack the arrays of variables whose names match, so that they can be mapped (repeatable)' -r
complete -c ach -n "__fish_ach_using_subcommand convert" -l level -d 'Level of compression, 1 (fast) to 22 (small): what is compressed already is packed again [default: 3, and what is compressed stays as it is]' -r
complete -c ach -n "__fish_ach_using_subcommand convert" -l seal -d 'Name contents by SHA-256 digests, which nobody can forge'
complete -c ach -n "__fish_ach_using_subcommand convert" -l unseal -d 'Name contents by XXH3 digests again, which are faster'
complete -c ach -n "__fish_ach_using_subcommand convert" -l force -d 'Replace DST if it exists'
complete -c ach -n "__fish_ach_using_subcommand convert" -l json -d 'As JSON, one object (docs/cli.md has the schema)'
complete -c ach -n "__fish_ach_using_subcommand convert" -l archive-only -d 'Only the archive, without what its journal says'
complete -c ach -n "__fish_ach_using_subcommand convert" -s q -l quiet -d 'Do not tell on standard error that a journal was read too'
complete -c ach -n "__fish_ach_using_subcommand convert" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ach -n "__fish_ach_using_subcommand log" -s n -d 'Only the last N' -r
complete -c ach -n "__fish_ach_using_subcommand log" -l json -d 'As JSON, one object (docs/cli.md has the schema); the newest last'
complete -c ach -n "__fish_ach_using_subcommand log" -l bytes -d 'Sizes as plain numbers of bytes'
complete -c ach -n "__fish_ach_using_subcommand log" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ach -n "__fish_ach_using_subcommand mark" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ach -n "__fish_ach_using_subcommand undo" -l to -d 'Back to the state of that mark' -r
complete -c ach -n "__fish_ach_using_subcommand undo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ach -n "__fish_ach_using_subcommand redo" -s h -l help -d 'Print help'
complete -c ach -n "__fish_ach_using_subcommand restore" -l at -d 'A mark, the number of a commit, or a time' -r
complete -c ach -n "__fish_ach_using_subcommand restore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ach -n "__fish_ach_using_subcommand checkpoint" -l keep-history -d 'Keep what is folded beside the archive, from now on: `ach log` and `ach restore` reach there'
complete -c ach -n "__fish_ach_using_subcommand checkpoint" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ach -n "__fish_ach_using_subcommand backup" -l force -d 'Replace DST if it exists'
complete -c ach -n "__fish_ach_using_subcommand backup" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ach -n "__fish_ach_using_subcommand watch" -l for -d 'End after that many seconds' -r
complete -c ach -n "__fish_ach_using_subcommand watch" -l once -d 'End after the first commit that comes'
complete -c ach -n "__fish_ach_using_subcommand watch" -l json -d 'As JSON, an object on a line for each thing that was done'
complete -c ach -n "__fish_ach_using_subcommand watch" -s q -l quiet -d 'Do not tell on standard error what is followed'
complete -c ach -n "__fish_ach_using_subcommand watch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ach -n "__fish_ach_using_subcommand upgrade" -s o -l output -d 'The archive to write; OLD itself with --force' -r -F
complete -c ach -n "__fish_ach_using_subcommand upgrade" -l cold -d 'Compress the arrays of variables whose names match (repeatable)' -r
complete -c ach -n "__fish_ach_using_subcommand upgrade" -l level -d 'Level of compression, 1 (fast) to 22 (small)' -r
complete -c ach -n "__fish_ach_using_subcommand upgrade" -l force -d 'Replace NEW if it exists'
complete -c ach -n "__fish_ach_using_subcommand upgrade" -l discard-journal -d 'Replace also an archive whose journal holds commits that it does not: they are gone then'
complete -c ach -n "__fish_ach_using_subcommand upgrade" -l strict -d 'Write nothing when something is lost, and exit with 1'
complete -c ach -n "__fish_ach_using_subcommand upgrade" -l verify -d 'Read NEW again, check all of it, and compare every value with OLD'
complete -c ach -n "__fish_ach_using_subcommand upgrade" -l json -d 'As JSON, one object (docs/cli.md has the schema)'
complete -c ach -n "__fish_ach_using_subcommand upgrade" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ach -n "__fish_ach_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ach -n "__fish_ach_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ach -n "__fish_ach_using_subcommand man" -l force -d 'Replace pages that exist'
complete -c ach -n "__fish_ach_using_subcommand man" -s h -l help -d 'Print help'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "pack" -d 'Pack files into one archive'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "ls" -d 'List the variables of archives'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "info" -d 'Show what archives say about themselves, and a picture of what lies where in the file'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "get" -d 'Show one value, or a part of one; only that part is read'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "stat" -d 'Tell what the numbers of arrays are like: least, greatest, mean, deviation, how many are NaN, infinite or zero, and a histogram'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "plot" -d 'Draw a vector, a matrix or an image as a PNG or SVG file'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "extract" -d 'Write variables of an archive to files'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "verify" -d 'Check archives: every sum, digest, node, reference and byte of padding'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "view" -d 'Show an archive or a session in the browser: variables with search, plots, images, tables, the layout of the file, and its history'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "repair" -d 'Write every intact variable of a damaged archive to a new one, and list what is lost'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "diff" -d 'Compare two archives: variables added, removed and changed, and where in their values'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "hash" -d 'Name the content of an archive by a SHA-256, or that of some of its variables'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "delta" -d 'Make a file of what changed between two archives, or apply one'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "set" -d 'Set variables of an archive, or parts of them, in one commit'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "rm" -d 'Remove variables of an archive, in one commit'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "mv" -d 'Rename a variable of an archive. It keeps its value, its attributes and its place'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "cp" -d 'Copy variables of archives into another archive'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "merge" -d 'Merge archives into one'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "convert" -d 'Write an archive again with its arrays compressed, unpacked, packed tighter, or sealed'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "log" -d 'List the commits in the journal of an archive, the newest first'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "mark" -d 'Give the present state of an archive a name, to which `ach undo --to` and `ach restore --at` lead back'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "undo" -d 'Undo the last commit, or all since a mark. Nothing is lost by that: `ach redo` takes it back'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "redo" -d 'Take the last undo back. Undone commits come back one at a time, until something else is committed'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "restore" -d 'Go to the state of a mark, of a commit, or of a time'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "checkpoint" -d 'Fold the journal of an archive into it'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "backup" -d 'Write the last committed state of a session to one archive, while its writer works'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "watch" -d 'Follow the commits of a session as they are made, a line for each thing that was done'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "upgrade" -d 'Convert a version 1 file to the present format'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "demo" -d 'A short tour: real data are packed, listed, and read in parts'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "completions" -d 'Print what a shell needs to complete the commands and options of `ach`'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "man" -d 'Write the manual pages of `ach` and of each of its commands into a directory'
complete -c ach -n "__fish_ach_using_subcommand help; and not __fish_seen_subcommand_from pack ls info get stat plot extract verify view repair diff hash delta set rm mv cp merge convert log mark undo redo restore checkpoint backup watch upgrade demo completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ach -n "__fish_ach_using_subcommand help; and __fish_seen_subcommand_from delta" -f -a "create" -d 'Make a delta: what must be changed in OLD to make NEW'
complete -c ach -n "__fish_ach_using_subcommand help; and __fish_seen_subcommand_from delta" -f -a "apply" -d 'Apply a delta to the archive it was made for'
