
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'ach' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'ach'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'ach' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('pack', 'pack', [CompletionResultType]::ParameterValue, 'Pack files into one archive')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'List the variables of archives')
            [CompletionResult]::new('info', 'info', [CompletionResultType]::ParameterValue, 'Show what archives say about themselves, and a picture of what lies where in the file')
            [CompletionResult]::new('get', 'get', [CompletionResultType]::ParameterValue, 'Show one value, or a part of one; only that part is read')
            [CompletionResult]::new('stat', 'stat', [CompletionResultType]::ParameterValue, 'Tell what the numbers of arrays are like: least, greatest, mean, deviation, how many are NaN, infinite or zero, and a histogram')
            [CompletionResult]::new('plot', 'plot', [CompletionResultType]::ParameterValue, 'Draw a vector, a matrix or an image as a PNG or SVG file')
            [CompletionResult]::new('extract', 'extract', [CompletionResultType]::ParameterValue, 'Write variables of an archive to files')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Check archives: every sum, digest, node, reference and byte of padding')
            [CompletionResult]::new('view', 'view', [CompletionResultType]::ParameterValue, 'Show an archive or a session in the browser: variables with search, plots, images, tables, the layout of the file, and its history')
            [CompletionResult]::new('repair', 'repair', [CompletionResultType]::ParameterValue, 'Write every intact variable of a damaged archive to a new one, and list what is lost')
            [CompletionResult]::new('diff', 'diff', [CompletionResultType]::ParameterValue, 'Compare two archives: variables added, removed and changed, and where in their values')
            [CompletionResult]::new('hash', 'hash', [CompletionResultType]::ParameterValue, 'Name the content of an archive by a SHA-256, or that of some of its variables')
            [CompletionResult]::new('delta', 'delta', [CompletionResultType]::ParameterValue, 'Make a file of what changed between two archives, or apply one')
            [CompletionResult]::new('set', 'set', [CompletionResultType]::ParameterValue, 'Set variables of an archive, or parts of them, in one commit')
            [CompletionResult]::new('rm', 'rm', [CompletionResultType]::ParameterValue, 'Remove variables of an archive, in one commit')
            [CompletionResult]::new('mv', 'mv', [CompletionResultType]::ParameterValue, 'Rename a variable of an archive. It keeps its value, its attributes and its place')
            [CompletionResult]::new('cp', 'cp', [CompletionResultType]::ParameterValue, 'Copy variables of archives into another archive')
            [CompletionResult]::new('merge', 'merge', [CompletionResultType]::ParameterValue, 'Merge archives into one')
            [CompletionResult]::new('convert', 'convert', [CompletionResultType]::ParameterValue, 'Write an archive again with its arrays compressed, unpacked, packed tighter, or sealed')
            [CompletionResult]::new('log', 'log', [CompletionResultType]::ParameterValue, 'List the commits in the journal of an archive, the newest first')
            [CompletionResult]::new('mark', 'mark', [CompletionResultType]::ParameterValue, 'Give the present state of an archive a name, to which `ach undo --to` and `ach restore --at` lead back')
            [CompletionResult]::new('undo', 'undo', [CompletionResultType]::ParameterValue, 'Undo the last commit, or all since a mark. Nothing is lost by that: `ach redo` takes it back')
            [CompletionResult]::new('redo', 'redo', [CompletionResultType]::ParameterValue, 'Take the last undo back. Undone commits come back one at a time, until something else is committed')
            [CompletionResult]::new('restore', 'restore', [CompletionResultType]::ParameterValue, 'Go to the state of a mark, of a commit, or of a time')
            [CompletionResult]::new('checkpoint', 'checkpoint', [CompletionResultType]::ParameterValue, 'Fold the journal of an archive into it')
            [CompletionResult]::new('backup', 'backup', [CompletionResultType]::ParameterValue, 'Write the last committed state of a session to one archive, while its writer works')
            [CompletionResult]::new('watch', 'watch', [CompletionResultType]::ParameterValue, 'Follow the commits of a session as they are made, a line for each thing that was done')
            [CompletionResult]::new('upgrade', 'upgrade', [CompletionResultType]::ParameterValue, 'Convert a version 1 file to the present format')
            [CompletionResult]::new('demo', 'demo', [CompletionResultType]::ParameterValue, 'A short tour: real data are packed, listed, and read in parts')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print what a shell needs to complete the commands and options of `ach`')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Write the manual pages of `ach` and of each of its commands into a directory')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'ach;pack' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The archive to write')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The archive to write')
            [CompletionResult]::new('--cold', '--cold', [CompletionResultType]::ParameterName, 'Compress the arrays of variables whose names match (repeatable)')
            [CompletionResult]::new('--level', '--level', [CompletionResultType]::ParameterName, 'Level of compression, 1 (fast) to 22 (small)')
            [CompletionResult]::new('--description', '--description', [CompletionResultType]::ParameterName, 'What the archive is')
            [CompletionResult]::new('--tag', '--tag', [CompletionResultType]::ParameterName, 'A tag (repeatable)')
            [CompletionResult]::new('--meta', '--meta', [CompletionResultType]::ParameterName, 'A pair of metadata (repeatable)')
            [CompletionResult]::new('--attr', '--attr', [CompletionResultType]::ParameterName, 'An attribute of a variable (repeatable); VALUE is JSON if it parses, else text')
            [CompletionResult]::new('--include', '--include', [CompletionResultType]::ParameterName, 'Only variables whose names match (repeatable)')
            [CompletionResult]::new('--exclude', '--exclude', [CompletionResultType]::ParameterName, 'No variables whose names match (repeatable)')
            [CompletionResult]::new('--delimiter', '--delimiter', [CompletionResultType]::ParameterName, 'What parts the fields of tables: one character, or `tab` [default: comma; tab for .tsv]')
            [CompletionResult]::new('--strings', '--strings', [CompletionResultType]::ParameterName, 'Columns of tables that are text whatever they hold')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace the archive if it exists')
            [CompletionResult]::new('--discard-journal', '--discard-journal', [CompletionResultType]::ParameterName, 'Replace also an archive whose journal holds commits that it does not: they are gone then')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Walk directories; hidden files and unknown extensions are left out')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'Walk directories; hidden files and unknown extensions are left out')
            [CompletionResult]::new('--decode', '--decode', [CompletionResultType]::ParameterName, 'Undo the file names that `ach extract -d` made (a%2Fb.npy is a/b)')
            [CompletionResult]::new('--seal', '--seal', [CompletionResultType]::ParameterName, 'Name contents by SHA-256 digests, which nobody can forge')
            [CompletionResult]::new('--no-header', '--no-header', [CompletionResultType]::ParameterName, 'The first line of tables is data; columns are named c0, c1, ...')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'ach;ls' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Only names that match: *, ?, [a-z], {a,b}; * also crosses . and /')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Only names that match: *, ?, [a-z], {a,b}; * also crosses . and /')
            [CompletionResult]::new('--sort', '--sort', [CompletionResultType]::ParameterName, 'In which order')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Also attributes, offsets in the file, and content digests')
            [CompletionResult]::new('--long', '--long', [CompletionResultType]::ParameterName, 'Also attributes, offsets in the file, and content digests')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'As JSON, one object (docs/cli.md has the schema)')
            [CompletionResult]::new('--bytes', '--bytes', [CompletionResultType]::ParameterName, 'Sizes as plain numbers of bytes')
            [CompletionResult]::new('--archive-only', '--archive-only', [CompletionResultType]::ParameterName, 'Only the archive, without what its journal says')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Do not tell on standard error that a journal was read too')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Do not tell on standard error that a journal was read too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'ach;info' {
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'As JSON, one object (docs/cli.md has the schema)')
            [CompletionResult]::new('--bytes', '--bytes', [CompletionResultType]::ParameterName, 'Sizes as plain numbers of bytes')
            [CompletionResult]::new('--archive-only', '--archive-only', [CompletionResultType]::ParameterName, 'Only the archive, without what its journal says')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Do not tell on standard error that a journal was read too')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Do not tell on standard error that a journal was read too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'ach;get' {
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'A part of an array: 0:10,: or -1 or ..., ::2')
            [CompletionResult]::new('--slice', '--slice', [CompletionResultType]::ParameterName, 'A part of an array: 0:10,: or -1 or ..., ::2')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How it is written [default: by the extension of OUT, else text]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write to a file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write to a file')
            [CompletionResult]::new('--stats', '--stats', [CompletionResultType]::ParameterName, 'Statistics of a tensor of any size')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace OUT if it exists')
            [CompletionResult]::new('--archive-only', '--archive-only', [CompletionResultType]::ParameterName, 'Only the archive, without what its journal says')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Do not tell on standard error that a journal was read too')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Do not tell on standard error that a journal was read too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'ach;stat' {
            [CompletionResult]::new('--bins', '--bins', [CompletionResultType]::ParameterName, 'Bars of the histogram, 0 for none')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'As JSON, one object (docs/cli.md has the schema)')
            [CompletionResult]::new('--archive-only', '--archive-only', [CompletionResultType]::ParameterName, 'Only the archive, without what its journal says')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Do not tell on standard error that a journal was read too')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Do not tell on standard error that a journal was read too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'ach;plot' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The picture, .png or .svg; - is standard output [default: NAME.png]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The picture, .png or .svg; - is standard output [default: NAME.png]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'What it is written as [default: by the extension of OUT, else png]')
            [CompletionResult]::new('--x', '--x', [CompletionResultType]::ParameterName, 'What stands along the lower edge: a column of the table, or a name [default: the index]')
            [CompletionResult]::new('--bins', '--bins', [CompletionResultType]::ParameterName, 'Bars of --hist')
            [CompletionResult]::new('--title', '--title', [CompletionResultType]::ParameterName, 'What stands above [default: the name]')
            [CompletionResult]::new('--size', '--size', [CompletionResultType]::ParameterName, 'Width and height in pixels')
            [CompletionResult]::new('--scatter', '--scatter', [CompletionResultType]::ParameterName, 'Dots instead of lines')
            [CompletionResult]::new('--hist', '--hist', [CompletionResultType]::ParameterName, 'How the numbers are spread')
            [CompletionResult]::new('--image', '--image', [CompletionResultType]::ParameterName, 'An image, whatever the dtype: 0 to 1 for floats, 0 to 65535 for uint16, else 0 to 255')
            [CompletionResult]::new('--heatmap', '--heatmap', [CompletionResultType]::ParameterName, 'A heat map, of uint8 too')
            [CompletionResult]::new('--abs', '--abs', [CompletionResultType]::ParameterName, 'Of complex numbers the absolute value')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'A logarithmic vertical axis, or scale of colours')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace OUT if it exists')
            [CompletionResult]::new('--archive-only', '--archive-only', [CompletionResultType]::ParameterName, 'Only the archive, without what its journal says')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Do not tell on standard error that a journal was read too')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Do not tell on standard error that a journal was read too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'ach;extract' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Only names that match: *, ?, [a-z], {a,b}; * also crosses . and /')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Only names that match: *, ?, [a-z], {a,b}; * also crosses . and /')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'A file for each variable, in this directory')
            [CompletionResult]::new('--directory', '--directory', [CompletionResultType]::ParameterName, 'A file for each variable, in this directory')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'All in one file: .npz, .safetensors, .arrow, .feather, .parquet or .ach')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'All in one file: .npz, .safetensors, .arrow, .feather, .parquet or .ach')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace files that exist')
            [CompletionResult]::new('--discard-journal', '--discard-journal', [CompletionResultType]::ParameterName, 'Replace also an archive whose journal holds commits that it does not: they are gone then')
            [CompletionResult]::new('--archive-only', '--archive-only', [CompletionResultType]::ParameterName, 'Only the archive, without what its journal says')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Do not tell on standard error that a journal was read too')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Do not tell on standard error that a journal was read too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'ach;verify' {
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'As JSON, one object (docs/cli.md has the schema)')
            [CompletionResult]::new('--archive-only', '--archive-only', [CompletionResultType]::ParameterName, 'Only the archive, and not the journal beside it')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'ach;view' {
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'The port on 127.0.0.1; 0 is any that is free')
            [CompletionResult]::new('--no-open', '--no-open', [CompletionResultType]::ParameterName, 'Do not open the browser')
            [CompletionResult]::new('--archive-only', '--archive-only', [CompletionResultType]::ParameterName, 'Only the archive, without what its journal says')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Do not tell on standard error that a journal was read too')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Do not tell on standard error that a journal was read too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'ach;repair' {
            [CompletionResult]::new('--partial', '--partial', [CompletionResultType]::ParameterName, 'Save tensors with damaged blocks too: lost elements are NaN, or zero where there is no NaN')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace DST if it exists')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'As JSON, one object (docs/cli.md has the schema)')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'ach;diff' {
            [CompletionResult]::new('--rtol', '--rtol', [CompletionResultType]::ParameterName, 'Numbers are the same when |a - b| <= ATOL + RTOL * |b|; one that is not given is 0')
            [CompletionResult]::new('--atol', '--atol', [CompletionResultType]::ParameterName, 'The absolute tolerance')
            [CompletionResult]::new('--listed', '--listed', [CompletionResultType]::ParameterName, 'Differences listed of one variable')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'As JSON, one object (docs/cli.md has the schema)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Only the exit code')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Only the exit code')
            [CompletionResult]::new('--archive-only', '--archive-only', [CompletionResultType]::ParameterName, 'Only the archives, without what their journals say')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'ach;hash' {
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'As JSON, one object (docs/cli.md has the schema)')
            [CompletionResult]::new('--archive-only', '--archive-only', [CompletionResultType]::ParameterName, 'Only the archive, without what its journal says')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'ach;delta' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('create', 'create', [CompletionResultType]::ParameterValue, 'Make a delta: what must be changed in OLD to make NEW')
            [CompletionResult]::new('apply', 'apply', [CompletionResultType]::ParameterValue, 'Apply a delta to the archive it was made for')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'ach;delta;create' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The delta to write, by convention .ach-delta')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The delta to write, by convention .ach-delta')
            [CompletionResult]::new('--level', '--level', [CompletionResultType]::ParameterName, 'Level of compression, 1 (fast) to 22 (small)')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace the delta if it exists')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'ach;delta;apply' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The archive to write; PARENT itself with --force')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The archive to write; PARENT itself with --force')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace the archive if it exists')
            [CompletionResult]::new('--discard-journal', '--discard-journal', [CompletionResultType]::ParameterName, 'Replace also an archive whose journal holds commits that it does not: they are gone then')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'ach;delta;help' {
            [CompletionResult]::new('create', 'create', [CompletionResultType]::ParameterValue, 'Make a delta: what must be changed in OLD to make NEW')
            [CompletionResult]::new('apply', 'apply', [CompletionResultType]::ParameterValue, 'Apply a delta to the archive it was made for')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'ach;delta;help;create' {
            break
        }
        'ach;delta;help;apply' {
            break
        }
        'ach;delta;help;help' {
            break
        }
        'ach;set' {
            [CompletionResult]::new('--attr', '--attr', [CompletionResultType]::ParameterName, 'An attribute of a variable (repeatable); VALUE is JSON if it parses, else text')
            [CompletionResult]::new('--create', '--create', [CompletionResultType]::ParameterName, 'Make the archive when there is none')
            [CompletionResult]::new('--keep-history', '--keep-history', [CompletionResultType]::ParameterName, 'Leave the edit in the journal, so that `ach undo` can take it back')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'ach;rm' {
            [CompletionResult]::new('--keep-history', '--keep-history', [CompletionResultType]::ParameterName, 'Leave the edit in the journal, so that `ach undo` can take it back')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'ach;mv' {
            [CompletionResult]::new('--keep-history', '--keep-history', [CompletionResultType]::ParameterName, 'Leave the edit in the journal, so that `ach undo` can take it back')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'ach;cp' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Only this name, or names that match: *, ?, [a-z], {a,b}; * also crosses . and / (repeatable)')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Only this name, or names that match: *, ?, [a-z], {a,b}; * also crosses . and / (repeatable)')
            [CompletionResult]::new('--exclude', '--exclude', [CompletionResultType]::ParameterName, 'No variables whose names match (repeatable)')
            [CompletionResult]::new('--as', '--as', [CompletionResultType]::ParameterName, 'The name of the copy, of one variable')
            [CompletionResult]::new('--prefix', '--prefix', [CompletionResultType]::ParameterName, 'What the names of the copies begin with')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace variables that DST has already')
            [CompletionResult]::new('--archive-only', '--archive-only', [CompletionResultType]::ParameterName, 'Only the archive, without what its journal says')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Do not tell on standard error that a journal was read too')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Do not tell on standard error that a journal was read too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'ach;merge' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The archive to write')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The archive to write')
            [CompletionResult]::new('--clash', '--clash', [CompletionResultType]::ParameterName, 'What becomes of a name that several archives have')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Only variables whose names match (repeatable)')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Only variables whose names match (repeatable)')
            [CompletionResult]::new('--exclude', '--exclude', [CompletionResultType]::ParameterName, 'No variables whose names match (repeatable)')
            [CompletionResult]::new('--description', '--description', [CompletionResultType]::ParameterName, 'What the new archive is')
            [CompletionResult]::new('--tag', '--tag', [CompletionResultType]::ParameterName, 'A tag (repeatable)')
            [CompletionResult]::new('--meta', '--meta', [CompletionResultType]::ParameterName, 'A pair of metadata (repeatable)')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace OUT if it exists')
            [CompletionResult]::new('--discard-journal', '--discard-journal', [CompletionResultType]::ParameterName, 'Replace also an archive whose journal holds commits that it does not: they are gone then')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'As JSON, one object (docs/cli.md has the schema)')
            [CompletionResult]::new('--archive-only', '--archive-only', [CompletionResultType]::ParameterName, 'Only the archive, without what its journal says')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Do not tell on standard error that a journal was read too')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Do not tell on standard error that a journal was read too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'ach;convert' {
            [CompletionResult]::new('--cold', '--cold', [CompletionResultType]::ParameterName, 'Compress the arrays of variables whose names match (repeatable)')
            [CompletionResult]::new('--hot', '--hot', [CompletionResultType]::ParameterName, 'Unpack the arrays of variables whose names match, so that they can be mapped (repeatable)')
            [CompletionResult]::new('--level', '--level', [CompletionResultType]::ParameterName, 'Level of compression, 1 (fast) to 22 (small): what is compressed already is packed again [default: 3, and what is compressed stays as it is]')
            [CompletionResult]::new('--seal', '--seal', [CompletionResultType]::ParameterName, 'Name contents by SHA-256 digests, which nobody can forge')
            [CompletionResult]::new('--unseal', '--unseal', [CompletionResultType]::ParameterName, 'Name contents by XXH3 digests again, which are faster')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace DST if it exists')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'As JSON, one object (docs/cli.md has the schema)')
            [CompletionResult]::new('--archive-only', '--archive-only', [CompletionResultType]::ParameterName, 'Only the archive, without what its journal says')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Do not tell on standard error that a journal was read too')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Do not tell on standard error that a journal was read too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'ach;log' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Only the last N')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'As JSON, one object (docs/cli.md has the schema); the newest last')
            [CompletionResult]::new('--bytes', '--bytes', [CompletionResultType]::ParameterName, 'Sizes as plain numbers of bytes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'ach;mark' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'ach;undo' {
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'Back to the state of that mark')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'ach;redo' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'ach;restore' {
            [CompletionResult]::new('--at', '--at', [CompletionResultType]::ParameterName, 'A mark, the number of a commit, or a time')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'ach;checkpoint' {
            [CompletionResult]::new('--keep-history', '--keep-history', [CompletionResultType]::ParameterName, 'Keep what is folded beside the archive, from now on: `ach log` and `ach restore` reach there')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'ach;backup' {
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace DST if it exists')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'ach;watch' {
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'End after that many seconds')
            [CompletionResult]::new('--once', '--once', [CompletionResultType]::ParameterName, 'End after the first commit that comes')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'As JSON, an object on a line for each thing that was done')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Do not tell on standard error what is followed')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Do not tell on standard error what is followed')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'ach;upgrade' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The archive to write; OLD itself with --force')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The archive to write; OLD itself with --force')
            [CompletionResult]::new('--cold', '--cold', [CompletionResultType]::ParameterName, 'Compress the arrays of variables whose names match (repeatable)')
            [CompletionResult]::new('--level', '--level', [CompletionResultType]::ParameterName, 'Level of compression, 1 (fast) to 22 (small)')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace NEW if it exists')
            [CompletionResult]::new('--discard-journal', '--discard-journal', [CompletionResultType]::ParameterName, 'Replace also an archive whose journal holds commits that it does not: they are gone then')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Write nothing when something is lost, and exit with 1')
            [CompletionResult]::new('--verify', '--verify', [CompletionResultType]::ParameterName, 'Read NEW again, check all of it, and compare every value with OLD')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'As JSON, one object (docs/cli.md has the schema)')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'ach;demo' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'ach;completions' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'ach;man' {
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace pages that exist')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'ach;help' {
            [CompletionResult]::new('pack', 'pack', [CompletionResultType]::ParameterValue, 'Pack files into one archive')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'List the variables of archives')
            [CompletionResult]::new('info', 'info', [CompletionResultType]::ParameterValue, 'Show what archives say about themselves, and a picture of what lies where in the file')
            [CompletionResult]::new('get', 'get', [CompletionResultType]::ParameterValue, 'Show one value, or a part of one; only that part is read')
            [CompletionResult]::new('stat', 'stat', [CompletionResultType]::ParameterValue, 'Tell what the numbers of arrays are like: least, greatest, mean, deviation, how many are NaN, infinite or zero, and a histogram')
            [CompletionResult]::new('plot', 'plot', [CompletionResultType]::ParameterValue, 'Draw a vector, a matrix or an image as a PNG or SVG file')
            [CompletionResult]::new('extract', 'extract', [CompletionResultType]::ParameterValue, 'Write variables of an archive to files')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Check archives: every sum, digest, node, reference and byte of padding')
            [CompletionResult]::new('view', 'view', [CompletionResultType]::ParameterValue, 'Show an archive or a session in the browser: variables with search, plots, images, tables, the layout of the file, and its history')
            [CompletionResult]::new('repair', 'repair', [CompletionResultType]::ParameterValue, 'Write every intact variable of a damaged archive to a new one, and list what is lost')
            [CompletionResult]::new('diff', 'diff', [CompletionResultType]::ParameterValue, 'Compare two archives: variables added, removed and changed, and where in their values')
            [CompletionResult]::new('hash', 'hash', [CompletionResultType]::ParameterValue, 'Name the content of an archive by a SHA-256, or that of some of its variables')
            [CompletionResult]::new('delta', 'delta', [CompletionResultType]::ParameterValue, 'Make a file of what changed between two archives, or apply one')
            [CompletionResult]::new('set', 'set', [CompletionResultType]::ParameterValue, 'Set variables of an archive, or parts of them, in one commit')
            [CompletionResult]::new('rm', 'rm', [CompletionResultType]::ParameterValue, 'Remove variables of an archive, in one commit')
            [CompletionResult]::new('mv', 'mv', [CompletionResultType]::ParameterValue, 'Rename a variable of an archive. It keeps its value, its attributes and its place')
            [CompletionResult]::new('cp', 'cp', [CompletionResultType]::ParameterValue, 'Copy variables of archives into another archive')
            [CompletionResult]::new('merge', 'merge', [CompletionResultType]::ParameterValue, 'Merge archives into one')
            [CompletionResult]::new('convert', 'convert', [CompletionResultType]::ParameterValue, 'Write an archive again with its arrays compressed, unpacked, packed tighter, or sealed')
            [CompletionResult]::new('log', 'log', [CompletionResultType]::ParameterValue, 'List the commits in the journal of an archive, the newest first')
            [CompletionResult]::new('mark', 'mark', [CompletionResultType]::ParameterValue, 'Give the present state of an archive a name, to which `ach undo --to` and `ach restore --at` lead back')
            [CompletionResult]::new('undo', 'undo', [CompletionResultType]::ParameterValue, 'Undo the last commit, or all since a mark. Nothing is lost by that: `ach redo` takes it back')
            [CompletionResult]::new('redo', 'redo', [CompletionResultType]::ParameterValue, 'Take the last undo back. Undone commits come back one at a time, until something else is committed')
            [CompletionResult]::new('restore', 'restore', [CompletionResultType]::ParameterValue, 'Go to the state of a mark, of a commit, or of a time')
            [CompletionResult]::new('checkpoint', 'checkpoint', [CompletionResultType]::ParameterValue, 'Fold the journal of an archive into it')
            [CompletionResult]::new('backup', 'backup', [CompletionResultType]::ParameterValue, 'Write the last committed state of a session to one archive, while its writer works')
            [CompletionResult]::new('watch', 'watch', [CompletionResultType]::ParameterValue, 'Follow the commits of a session as they are made, a line for each thing that was done')
            [CompletionResult]::new('upgrade', 'upgrade', [CompletionResultType]::ParameterValue, 'Convert a version 1 file to the present format')
            [CompletionResult]::new('demo', 'demo', [CompletionResultType]::ParameterValue, 'A short tour: real data are packed, listed, and read in parts')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print what a shell needs to complete the commands and options of `ach`')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Write the manual pages of `ach` and of each of its commands into a directory')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'ach;help;pack' {
            break
        }
        'ach;help;ls' {
            break
        }
        'ach;help;info' {
            break
        }
        'ach;help;get' {
            break
        }
        'ach;help;stat' {
            break
        }
        'ach;help;plot' {
            break
        }
        'ach;help;extract' {
            break
        }
        'ach;help;verify' {
            break
        }
        'ach;help;view' {
            break
        }
        'ach;help;repair' {
            break
        }
        'ach;help;diff' {
            break
        }
        'ach;help;hash' {
            break
        }
        'ach;help;delta' {
            [CompletionResult]::new('create', 'create', [CompletionResultType]::ParameterValue, 'Make a delta: what must be changed in OLD to make NEW')
            [CompletionResult]::new('apply', 'apply', [CompletionResultType]::ParameterValue, 'Apply a delta to the archive it was made for')
            break
        }
        'ach;help;delta;create' {
            break
        }
        'ach;help;delta;apply' {
            break
        }
        'ach;help;set' {
            break
        }
        'ach;help;rm' {
            break
        }
        'ach;help;mv' {
            break
        }
        'ach;help;cp' {
            break
        }
        'ach;help;merge' {
            break
        }
        'ach;help;convert' {
            break
        }
        'ach;help;log' {
            break
        }
        'ach;help;mark' {
            break
        }
        'ach;help;undo' {
            break
        }
        'ach;help;redo' {
            break
        }
        'ach;help;restore' {
            break
        }
        'ach;help;checkpoint' {
            break
        }
        'ach;help;backup' {
            break
        }
        'ach;help;watch' {
            break
        }
        'ach;help;upgrade' {
            break
        }
        'ach;help;demo' {
            break
        }
        'ach;help;completions' {
            break
        }
        'ach;help;man' {
            break
        }
        'ach;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
